// ranks.hpp -- several processes that train one model: who is who, small messages between them, and the end of one is the end of all.
//
// Data-parallel training runs the same program once for each GPU. Every process (a rank) has all parameters, takes its own rows of a
// step, and adds its gradients to the others' before the update. `--gpus N` starts the ranks of one machine itself (start_ranks);
// torchrun, mpirun and Slurm start them too and say in environment variables who is who (rank_from_environment).
// This header carries what is small: the sum of a few numbers, NCCL's id, "are all here?". Rank 0 listens on a TCP port and all others connect
// to it (a star); sums are added in the order of the ranks, so they have the same bits every time. Gradients go another way
// (kernels/comm.hpp). A second connection, the lifeline, carries nothing: when a process dies, the system closes it, and whoever
// holds the other end stops with a message, instead of waiting for ever in a collective. Does not: authenticate; use it inside a cluster.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include "common.hpp"

struct RankInfo {
    int rank = 0, size = 1;
    int local_rank = 0;                    // which GPU of its machine
    std::string address = "127.0.0.1";     // where rank 0 listens
    int port = 29500;
};

namespace ranks {

// The first of these environment variables that is set, as a number; `otherwise` if none is.
inline int number_from(std::initializer_list<const char*> names, int otherwise) {
    for (const char* name : names)
        if (const char* value = std::getenv(name)) {
            char* end = nullptr;
            const long n = std::strtol(value, &end, 10);
            if (*value == 0 || *end != 0 || n < 0 || n > 1 << 20) throw UsageError(cat("environment variable ", name, "=", value, ": expected a number"));
            return int(n);
        }
    return otherwise;
}

// A TCP port of this machine that is free now, or -1. Another program could take it before it is used.
inline int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    socklen_t length = sizeof(any);
    any.sin_family = AF_INET, any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool ok = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &length) == 0;
    if (fd >= 0) ::close(fd);
    return ok ? ntohs(any.sin_port) : -1;
}

}  // namespace ranks

// Who this process is, as torchrun, OpenMPI or Slurm (srun) say it. Size 1 where none of them started it.
inline RankInfo rank_from_environment() {
    RankInfo r;
    const bool torch = std::getenv("RANK") && std::getenv("WORLD_SIZE"), mpi = std::getenv("OMPI_COMM_WORLD_SIZE");
    // sbatch sets SLURM_NTASKS in its own script too, where there is only one process: srun's step has a rank
    const bool slurm = std::getenv("SLURM_STEP_ID") && std::getenv("SLURM_PROCID") && std::getenv("SLURM_NTASKS");
    if (!torch && !mpi && !slurm) return r;
    r.rank = torch ? ranks::number_from({"RANK"}, 0) : mpi ? ranks::number_from({"OMPI_COMM_WORLD_RANK"}, 0) : ranks::number_from({"SLURM_PROCID"}, 0);
    r.size = torch ? ranks::number_from({"WORLD_SIZE"}, 1) : mpi ? ranks::number_from({"OMPI_COMM_WORLD_SIZE"}, 1) : ranks::number_from({"SLURM_NTASKS"}, 1);
    r.local_rank = ranks::number_from({"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"}, 0);
    r.port = ranks::number_from({"MASTER_PORT"}, 29500);
    const bool several_nodes = slurm && !torch && !mpi ? ranks::number_from({"SLURM_NNODES"}, 1) > 1
                                                       : ranks::number_from({"LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"}, r.size) < r.size;
    if (const char* address = std::getenv("MASTER_ADDR")) r.address = address;
    else if (several_nodes) throw UsageError("MASTER_ADDR is not set: the address of the first node", "scripts/pretrain_slurm.sh sets it; mpirun takes -x MASTER_ADDR=...");
    if (r.size < 1 || r.rank >= r.size) throw UsageError(cat("rank ", r.rank, " of ", r.size, ": the environment variables of the launcher do not fit"));
    return r;
}

// How many ranks share the `processors` that this one may run on: those of its node, unless the launcher gave each its own, as srun does where it binds.
inline int ranks_sharing(int processors) {
    const int told = ranks::number_from({"LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"}, 0);
    if (told > 0) return told;
    if (processors < ranks::number_from({"SLURM_CPUS_ON_NODE"}, 1)) return 1;
    return std::max(1, ranks::number_from({"SLURM_NTASKS"}, 1) / std::max(1, ranks::number_from({"SLURM_NNODES"}, 1)));
}

// The connections of one rank. With one rank everything is a no-op.
class Ranks {
   public:
    explicit Ranks(const RankInfo& info = {}) : info_(info) {
        if (info.size == 1) return;
        if (info.rank == 0) listen_and_accept();
        else connect_to_first();
        watcher_ = std::thread([this] { watch(); });
    }
    Ranks(const Ranks&) = delete;
    // A rank that ends in order says so; one that ends by an exception does not, and the others stop with it.
    ~Ranks() {
        if (info_.size == 1) return;
        if (std::uncaught_exceptions() == 0) {
            const char goodbye = 'G';
            for (int fd : lifelines_)
                if (fd >= 0) (void)!::send(fd, &goodbye, 1, MSG_NOSIGNAL);
        }
        stopping_ = true;
        watcher_.join();
        for (const auto* list : {&messages_, &lifelines_})
            for (int fd : *list)
                if (fd >= 0) ::close(fd);
    }
    int rank() const { return info_.rank; }
    int size() const { return info_.size; }
    int local_rank() const { return info_.local_rank; }
    bool is_first() const { return info_.rank == 0; }

    // `bytes` of rank 0 to everyone.
    void broadcast(void* data, size_t bytes) {
        if (info_.size == 1) return;
        if (is_first())
            for (int r = 1; r < info_.size; r++) send_all(messages_[size_t(r)], data, bytes);
        else receive_all(messages_[0], data, bytes);
    }
    // x[i] becomes the sum over the ranks, added in their order: the same bits everywhere.
    template <typename V>
    void sum(V* x, size_t n) {
        if (info_.size == 1) return;
        if (is_first()) {
            std::vector<V> other(n);
            for (int r = 1; r < info_.size; r++) {
                receive_all(messages_[size_t(r)], other.data(), n * sizeof(V));
                for (size_t i = 0; i < n; i++) x[i] += other[i];
            }
        } else {
            send_all(messages_[0], x, n * sizeof(V));
        }
        broadcast(x, n * sizeof(V));
    }
    double sum(double x) {
        sum(&x, 1);
        return x;
    }
    // Equal pieces: rank r gives data[r * bytes ...) and has all of them afterwards.
    void all_gather(void* data, size_t bytes) {
        if (info_.size == 1) return;
        char* p = static_cast<char*>(data);
        if (is_first())
            for (int r = 1; r < info_.size; r++) receive_all(messages_[size_t(r)], p + size_t(r) * bytes, bytes);
        else send_all(messages_[0], p + size_t(info_.rank) * bytes, bytes);
        broadcast(data, bytes * size_t(info_.size));
    }
    void barrier() { sum(0.0); }

   private:
    static constexpr double kPatience_s = 120;   // how long the ranks of a job may take to start

    void listen_and_accept() {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listener < 0) throw system_error("socket");
        const int yes = 1;
        ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        sockaddr_in any{};
        any.sin_family = AF_INET, any.sin_addr.s_addr = htonl(INADDR_ANY), any.sin_port = htons(uint16_t(info_.port));
        if (::bind(listener, reinterpret_cast<sockaddr*>(&any), sizeof(any)) != 0 || ::listen(listener, 2 * info_.size) != 0) {
            const Error e = system_error(cat("rank 0: port ", info_.port, " cannot be opened"), "set MASTER_PORT to a free port");
            ::close(listener);
            throw e;
        }
        messages_.assign(size_t(info_.size), -1);
        lifelines_.assign(size_t(info_.size), -1);
        const double start = now_s();
        for (int open = 0; open < 2 * (info_.size - 1);) {
            pollfd p{listener, POLLIN, 0};
            const double left_s = kPatience_s - (now_s() - start);
            if (left_s <= 0 || ::poll(&p, 1, int(left_s * 1e3) + 1) == 0) {
                std::string missing;
                for (int r = 1; r < info_.size; r++)
                    if (lifelines_[size_t(r)] < 0) missing += cat(missing.empty() ? "" : ", ", r);
                ::close(listener);
                throw Error(cat("rank 0 waited ", int(kPatience_s), " s for the other ranks; missing: ", missing), "see their own messages; is MASTER_ADDR reachable?");
            }
            const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            int32_t hello[3] = {};                       // magic, rank, which connection
            const bool ours = receive_some(fd, hello, sizeof(hello)) && hello[0] == kMagic && hello[1] > 0 && hello[1] < info_.size && (hello[2] == 0 || hello[2] == 1);
            int* slot = ours ? &(hello[2] == 0 ? messages_ : lifelines_)[size_t(hello[1])] : nullptr;
            if (!slot || *slot >= 0) {                   // a stranger, or a rank that exists twice
                ::close(fd);
                if (slot) throw Error(cat("rank ", hello[1], " connected twice: two jobs use port ", info_.port), "set MASTER_PORT to another port");
                continue;
            }
            *slot = fd;
            without_delay(fd);
            open++;
        }
        ::close(listener);
    }
    void connect_to_first() {
        messages_ = {connect_once(0)};
        lifelines_ = {connect_once(1)};
    }
    int connect_once(int which) {
        addrinfo hints{}, *found = nullptr;
        hints.ai_family = AF_INET, hints.ai_socktype = SOCK_STREAM;
        const double start = now_s();
        while (true) {
            if (::getaddrinfo(info_.address.c_str(), std::to_string(info_.port).c_str(), &hints, &found) == 0) {
                const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                const bool connected = fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0;
                ::freeaddrinfo(found);
                if (connected) {
                    const int32_t hello[3] = {kMagic, info_.rank, which};
                    without_delay(fd);
                    send_all(fd, hello, sizeof(hello));
                    return fd;
                }
                if (fd >= 0) ::close(fd);
            }
            if (now_s() - start > kPatience_s)
                throw Error(cat("rank ", info_.rank, ": nobody listens at ", info_.address, ":", info_.port, " (", int(kPatience_s), " s)"), "is rank 0 running? MASTER_ADDR and MASTER_PORT must be its own");
            ::usleep(50'000);
        }
    }
    static void without_delay(int fd) {
        const int yes = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));   // a machine that vanished: noticed within a minute
        const int idle_s = 20, every_s = 10, times = 3;
        ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
        ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
        ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
    }
    static bool receive_some(int fd, void* data, size_t bytes) {
        for (char* p = static_cast<char*>(data); bytes > 0;) {
            const ssize_t n = ::recv(fd, p, bytes, 0);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return false;
            p += n, bytes -= size_t(n);
        }
        return true;
    }
    void receive_all(int fd, void* data, size_t bytes) {
        if (!receive_some(fd, data, bytes)) throw Error(cat("rank ", info_.rank, ": the connection to another rank broke; that rank has ended"), "its own message says why");
    }
    void send_all(int fd, const void* data, size_t bytes) {
        for (const char* p = static_cast<const char*>(data); bytes > 0;) {
            const ssize_t n = ::send(fd, p, bytes, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) throw Error(cat("rank ", info_.rank, ": the connection to another rank broke; that rank has ended"), "its own message says why");
            p += n, bytes -= size_t(n);
        }
    }
    // The lifelines: a closed one without a goodbye ends this process at once, whatever its main thread waits for.
    void watch() {
        std::vector<bool> left(lifelines_.size(), false);
        while (!stopping_) {
            std::vector<pollfd> p;
            std::vector<size_t> whose;
            for (size_t i = 0; i < lifelines_.size(); i++)
                if (lifelines_[i] >= 0 && !left[i]) p.push_back({lifelines_[i], POLLIN, 0}), whose.push_back(i);
            if (::poll(p.data(), p.size(), 200) <= 0) continue;
            for (size_t i = 0; i < p.size(); i++) {
                if (!p[i].revents) continue;
                char byte = 0;
                if (::recv(p[i].fd, &byte, 1, 0) == 1 && byte == 'G') {
                    left[whose[i]] = true;
                    continue;
                }
                if (stopping_) return;
                std::fprintf(stderr, "error: rank %d: rank %zu of %d has ended; this rank stops too\n       the first message of the job says why; --resume goes on from the last checkpoint\n",
                             info_.rank, whose[i], info_.size);
                std::fflush(stderr);
                ::_exit(1);
            }
        }
    }

    static constexpr int32_t kMagic = 0x47505431;
    RankInfo info_;
    std::vector<int> messages_, lifelines_;      // rank 0: one for each other rank; the others: one, to rank 0
    std::atomic<bool> stopping_{false};
    std::thread watcher_;
};

// Start n ranks of this same command line on this machine and wait for them. The exit status of the job: the first that was not 0.
inline int start_ranks(int n, const std::vector<std::string>& command_line) {
    const int port = ranks::free_port();   // if another program takes it before rank 0 does, rank 0 says so
    if (port < 0) throw system_error("no TCP port for the ranks");
    std::vector<char*> argv;
    for (const auto& word : command_line) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    std::vector<pid_t> children;
    for (int r = 0; r < n; r++) {
        const pid_t child = ::fork();
        if (child < 0) {
            const Error e = system_error(cat("rank ", r, " cannot be started"));
            for (pid_t c : children) ::kill(c, SIGKILL);
            throw e;
        }
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);   // no rank outlives the process that started it: it saves and ends
            for (auto [name, value] : {std::pair("RANK", r), std::pair("WORLD_SIZE", n), std::pair("LOCAL_RANK", r), std::pair("LOCAL_WORLD_SIZE", n), std::pair("MASTER_PORT", port)})
                ::setenv(name, std::to_string(value).c_str(), 1);
            ::setenv("MASTER_ADDR", "127.0.0.1", 1);
            ::execv("/proc/self/exe", argv.data());
            std::perror("error: execv");
            ::_exit(127);
        }
        children.push_back(child);
    }
    // Ctrl-C reaches all of them, since they share the terminal; a signal to this process alone is handed on
    static volatile std::sig_atomic_t received;
    received = 0;
    struct sigaction action {};
    action.sa_handler = [](int signal) { received = signal; };   // no SA_RESTART: waitpid must return
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
    int status = 0;
    double failed_s = 0;
    size_t alive = children.size();
    while (alive > 0) {
        int how = 0;
        const pid_t ended = ::waitpid(-1, &how, failed_s > 0 ? WNOHANG : 0);
        if (received == SIGTERM || received == SIGHUP)
            for (pid_t c : children)
                if (c > 0) ::kill(c, SIGTERM);
        received = 0;
        if (ended > 0) {
            const auto it = std::find(children.begin(), children.end(), ended);
            if (it == children.end()) continue;
            const int code = WIFEXITED(how) ? WEXITSTATUS(how) : 1;
            if (WIFSIGNALED(how))
                std::fprintf(stderr, "error: rank %td was ended by signal %d (%s)\n", it - children.begin(), WTERMSIG(how), ::strsignal(WTERMSIG(how)));
            *it = -1;
            alive--;
            if (code != 0 && status == 0) status = code, failed_s = now_s();
        } else if (failed_s > 0) {
            // the others notice by themselves (Ranks::watch); who does not within half a minute is stopped
            if (now_s() - failed_s > 30)
                for (pid_t c : children)
                    if (c > 0) ::kill(c, SIGKILL);
            ::usleep(50'000);
        }
    }
    return status;
}
