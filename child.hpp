// child.hpp -- runs a model's program with the real python3, in a child process that can do nothing but compute.
//
// Between fork and exec the child takes its own rights away, one layer behind the other:
//   1. limits of the kernel (setrlimit): CPU time, memory, file size, open files, no core dumps; the parent watches wall time, output and disk;
//   2. a network of its own without an interface, and users of its own (unshare), where the kernel allows that;
//   3. Landlock, where the kernel has it (5.13): it reads Python's own files and no others, and writes in one empty folder, removed afterwards;
//   4. seccomp: a list of the system calls that a computing Python needs. All others fail with EPERM: socket, fork, ptrace, mount, chmod, ...
//      Without Landlock the list has no call that creates or removes a file either, and a file can be opened only for reading.
// Layer 4 is the one that must stand: where it cannot be set up, nothing is run, and the result says so.
// Promises: no network, no second process, no writing outside of the folder; the child is dead and the folder gone when this returns.
// Does not: hide the file system's names, or (without Landlock) files that its user may read. Linux on x86-64 and arm64 only.
#pragma once

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <thread>

#include "common.hpp"
#include "utf8.hpp"

struct ChildLimits {
    double wall_s = 10;
    int64_t cpu_s = 5;
    int64_t memory_bytes = int64_t(512) << 20;   // address space; Python itself takes some 30 MB of it
    int64_t file_bytes = 1 << 20;                // of one file
    int64_t disk_bytes = 16 << 20;               // of the whole folder
    int64_t open_files = 64;
    int64_t output_chars = 2000;
    std::string python;                          // path of the program; empty: the first python3 on the PATH that is no script
};

enum class ChildStatus { ok, error, timeout, output_limit, disk_limit, crashed, refused, missing };
inline const char* child_status_name(ChildStatus s) {
    static const char* const names[] = {"ok", "error", "timeout", "output_limit", "disk_limit", "crashed", "refused", "missing"};
    return names[int(s)];
}

struct ChildResult {
    std::string output;                          // what was printed (or the last value), then the last line of the error if there was one
    ChildStatus status = ChildStatus::ok;
    double seconds = 0;                          // wall time
    bool landlock = false, namespaces = false;   // which optional layers stood
};

namespace child {

// ---- the list of system calls, as a program for the kernel's packet filter

#if defined(__x86_64__)
constexpr uint32_t kArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArch = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArch = 0;                    // no list for this machine: nothing is run
#endif

// Allowed whatever the arguments are. An #ifdef where arm64 has only the newer form of a call.
inline std::vector<uint32_t> allowed_calls(bool files_too) {
    std::vector<uint32_t> calls = {
        SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close, SYS_fstat, SYS_newfstatat, SYS_statx,
                SYS_faccessat,
        SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_dup, SYS_dup3, SYS_pipe2, SYS_ppoll, SYS_pselect6, SYS_fsync,
                SYS_fdatasync, SYS_umask,
        SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
        SYS_sigaltstack, SYS_getrandom, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_times,
                SYS_getrusage,
        SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_uname, SYS_sysinfo, SYS_sched_getaffinity,
        SYS_sched_yield, SYS_set_tid_address, SYS_set_robust_list, SYS_exit, SYS_exit_group, SYS_wait4, SYS_restart_syscall,
        SYS_execve,                              // needed once; another program would stand under the same limits
#ifdef SYS_faccessat2
        SYS_faccessat2,
#endif
#ifdef SYS_rseq
        SYS_rseq,
#endif
#ifdef __x86_64__
        SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_dup2, SYS_pipe, SYS_poll, SYS_select, SYS_getdents, SYS_time, SYS_arch_prctl,
                SYS_getrlimit,
#endif
    };
    if (files_too) {                             // Landlock keeps these inside the folder
        for (const long call : {SYS_unlinkat, SYS_mkdirat, SYS_renameat2, SYS_ftruncate}) calls.push_back(uint32_t(call));
#ifdef __x86_64__
        for (const long call : {SYS_unlink, SYS_mkdir, SYS_rmdir, SYS_rename, SYS_renameat}) calls.push_back(uint32_t(call));
#endif
    }
    return calls;
}

constexpr uint32_t kDeny = SECCOMP_RET_ERRNO | EPERM;
class Filter {
   public:
    // own_pid_at() is where the child puts its process id before it installs the program.
    explicit Filter(bool files_too) {
        load(offsetof(seccomp_data, arch));
        jump(BPF_JEQ, kArch, 1, 0);
        ret(SECCOMP_RET_KILL_PROCESS);
        load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
        jump(BPF_JGE, 0x40000000u, 0, 1);        // the x32 numbers of the same calls
        ret(SECCOMP_RET_KILL_PROCESS);
#endif
        for (const uint32_t call : allowed_calls(files_too)) {
            jump(BPF_JEQ, call, 0, 1);
            ret(SECCOMP_RET_ALLOW);
        }
        opens(SYS_openat, 2, files_too);
#ifdef SYS_open
        opens(SYS_open, 1, files_too);
#endif
#ifdef SYS_clone3
        jump(BPF_JEQ, SYS_clone3, 0, 1);         // "no such call": the C library then tries clone, which is denied
        ret(SECCOMP_RET_ERRNO | ENOSYS);
#endif
        one_of(SYS_prlimit64, 0, {0});           // its own limits, not its parent's
        one_of(SYS_ioctl, 1, {0x5401 /* TCGETS: is it a terminal? */, 0x5450 /* FIONCLEX */, 0x5451 /* FIOCLEX */});
        one_of(SYS_fcntl, 1, {F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC});
        one_of(SYS_tgkill, 0, {0});              // abort(): a signal to itself
        own_pid_at_ = program_.size() - 3;
        ret(kDeny);
    }
    std::vector<sock_filter>& program() { return program_; }
    sock_filter& own_pid_at() { return program_[own_pid_at_]; }

   private:
    void load(size_t offset) { program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, uint32_t(offset))); }
    void load_argument(int i) { load(offsetof(seccomp_data, args) + size_t(i) * 8); }     // its low half: both machines are little-endian
    void jump(int how, uint32_t k, uint8_t yes, uint8_t no) { program_.push_back(BPF_JUMP(uint16_t(BPF_JMP | how | BPF_K), k, yes, no)); }
    void ret(uint32_t what) { program_.push_back(BPF_STMT(BPF_RET | BPF_K, what)); }
    // The call, if the argument is one of the values; denied otherwise.
    void one_of(long call, int argument, const std::vector<uint32_t>& values) {
        const auto n = uint8_t(values.size());
        jump(BPF_JEQ, uint32_t(call), 0, uint8_t(n + 3));
        load_argument(argument);
        for (uint8_t i = 0; i < n; i++) jump(BPF_JEQ, values[i], uint8_t(n - i), 0);
        ret(kDeny);
        ret(SECCOMP_RET_ALLOW);
    }
    // Without Landlock only what neither writes nor creates; with it, no truncation of a file that is opened for reading (older ones miss it).
    void opens(long call, int argument, bool files_too) {
        jump(BPF_JEQ, uint32_t(call), 0, 6);
        load_argument(argument);
        jump(BPF_JSET, O_ACCMODE, uint8_t(files_too ? 3 : 2), 0);
        load_argument(argument);
        jump(BPF_JSET, files_too ? uint32_t(O_TRUNC) : uint32_t(O_TRUNC | O_CREAT), 0, 1);
        ret(kDeny);
        ret(SECCOMP_RET_ALLOW);
    }
    std::vector<sock_filter> program_;
    size_t own_pid_at_ = 0;
};

// ---- Landlock (its header and its numbers are missing on older systems; they are part of the kernel's interface and do not change)

constexpr long kLandlockCreate = 444, kLandlockAdd = 445, kLandlockRestrict = 446;
constexpr uint64_t kExecute = 1, kWriteFile = 2, kReadFile = 4, kReadDir = 8, kRemoveDir = 16, kRemoveFile = 32, kMakeDir = 128,
        kMakeRegular = 256,
                   kAllOfVersion1 = (1 << 13) - 1, kRefer = 1 << 13, kTruncate = 1 << 14;
struct __attribute__((packed)) PathRule {
    uint64_t allowed;
    int32_t parent_fd;
};

// A set of rules: read `readable`, write in `folder`. -1 where the kernel has no Landlock.
inline int landlock_rules(const std::vector<std::string>& readable, const std::string& folder) {
    const long version = ::syscall(kLandlockCreate, nullptr, size_t(0), 1u);
    if (version < 1) return -1;
    uint64_t handled = kAllOfVersion1 | (version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0);
    const int rules = int(::syscall(kLandlockCreate, &handled, sizeof handled, 0u));
    if (rules < 0) return -1;
    ::fcntl(rules, F_SETFD, FD_CLOEXEC);
    const auto add = [&](const std::string& path, uint64_t rights) {
        const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
        if (fd < 0) return;                      // not on this system
        struct stat st {};
        if (::fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) rights &= kExecute | kWriteFile | kReadFile | kTruncate;
        const PathRule rule{rights & handled, fd};
        ::syscall(kLandlockAdd, rules, 1, &rule, 0u);
        ::close(fd);
    };
    for (const std::string& path : readable) add(path, kExecute | kReadFile | kReadDir);
    add("/dev/null", kReadFile | kWriteFile | kTruncate);
    add(folder, kReadFile | kReadDir | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeRegular | kTruncate);
    return rules;
}

// ---- the child's side

// What the child needs, made before the fork: after it, a process that had threads may allocate no memory.
struct Plan {
    const char* python;
    std::vector<char*> argv;
    const char* folder;
    sock_fprog filter;
    sock_filter* own_pid;
    int rules, null_fd, out_fd, err_fd, report_fd;
    ChildLimits limits;
};
// Told to the parent through a pipe: that a step failed, or (step 0) which layers stand; exec closes the pipe.
struct Message {
    int step, error;
    bool landlock, namespaces;
};
inline const char* step_name(int step) {
    static const char* const names[] = {"", "the files", "the folder", "the limits", "no_new_privs", "Landlock", "seccomp",
            "the start of python3"};
    return names[step];
}

[[noreturn]] inline void give_up(const Plan& plan, int step) {
    const Message m{step, errno, false, false};
    if (::write(plan.report_fd, &m, sizeof m) < 0) ::_exit(126);
    ::_exit(127);
}

inline bool limit(int what, int64_t soft, int64_t hard) {
    const rlimit r{rlim_t(soft), rlim_t(hard)};
    return ::setrlimit(decltype(RLIMIT_CPU)(what), &r) == 0;
}

[[noreturn]] inline void run_in_child(Plan& plan) {
    ::setsid();                                  // a process group of its own, no terminal
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int s : {SIGPIPE, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD, SIGXCPU}) ::signal(s, SIG_DFL);
    if (::dup2(plan.null_fd, 0) < 0 || ::dup2(plan.out_fd, 1) < 0 || ::dup2(plan.err_fd, 2) < 0) give_up(plan, 1);
    // every other descriptor of the parent closes at exec (close_range with CLOSE_RANGE_CLOEXEC; a loop before Linux 5.11)
    if (::syscall(436L, 3u, ~0u, 4u) != 0) {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        const int last = int(std::min<rlim_t>(files.rlim_cur, 1 << 20));
        for (int fd = 3; fd < last; fd++) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (::chdir(plan.folder) != 0) give_up(plan, 2);
    const bool namespaces = ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) == 0;
    const ChildLimits& l = plan.limits;
    if (!limit(RLIMIT_CPU, l.cpu_s, l.cpu_s + 1) || !limit(RLIMIT_AS, l.memory_bytes, l.memory_bytes) || !limit(RLIMIT_FSIZE, l.file_bytes,
            l.file_bytes) ||
        !limit(RLIMIT_NOFILE, l.open_files, l.open_files) || !limit(RLIMIT_CORE, 0, 0) || !limit(RLIMIT_NPROC, 1, 1))
        give_up(plan, 3);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(plan, 4);
    if (plan.rules >= 0 && ::syscall(kLandlockRestrict, plan.rules, 0u) != 0) give_up(plan, 5);
    const Message standing{0, 0, plan.rules >= 0, namespaces};
    if (::write(plan.report_fd, &standing, sizeof standing) != sizeof standing) ::_exit(126);
    plan.own_pid->k = uint32_t(::getpid());
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &plan.filter, 0, 0) != 0) give_up(plan, 6);
    char* const no_environment[] = {nullptr};
    ::execve(plan.python, plan.argv.data(), no_environment);
    give_up(plan, 7);
}

// ---- the parent's side

// Runs the program in argv[1]: prints the value of a last expression where nothing else was printed, as an interactive Python does.
inline constexpr const char* kStarter = R"PY(
import ast, io, os, sys
class Out(io.TextIOWrapper):
    used = False
    def write(self, s):
        Out.used = Out.used or bool(s)
        return super().write(s)
sys.stdout = Out(sys.stdout.buffer, encoding='utf-8', errors='replace', newline='\n')
source, sys.argv = os.fsencode(sys.argv[1]), ['']
scope = {'__name__': '__main__'}
tree = ast.parse(source, '<program>')
last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
exec(compile(tree, '<program>', 'exec'), scope)
if last is not None:
    value = eval(compile(ast.Expression(last.value), '<program>', 'eval'), scope)
    if value is not None and not Out.used:
        print(repr(value))
sys.stdout.flush()
)PY";

// A python3 that is a program, not a script that looks for one (scripts need a shell, and so a second process). "" where there is none.
inline std::string find_python() {
    const char* env = std::getenv("PATH");
    std::string path = cat(env ? env : "", ":/usr/local/bin:/usr/bin:/bin");
    for (size_t at = 0; at <= path.size();) {
        const size_t end = std::min(path.find(':', at), path.size());
        const std::string file = path.substr(at, end - at) + "/python3";
        at = end + 1;
        if (file[0] != '/' || ::access(file.c_str(), X_OK) != 0) continue;
        char magic[4] = {};
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        const bool program = fd >= 0 && ::read(fd, magic, 4) == 4 && std::memcmp(magic, "\177ELF", 4) == 0;
        if (fd >= 0) ::close(fd);
        if (program) return file;
    }
    return "";
}

// A descriptor that closes itself.
struct Fd {
    int fd = -1;
    Fd() = default;
    Fd(const Fd&) = delete;
    ~Fd() { close(); }
    void close() {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
};
struct Pipe {
    Fd read, write;
    Pipe() {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0) throw system_error("a pipe for python3");
        read.fd = fds[0];
        write.fd = fds[1];
    }
};
struct Folder {
    std::string path = (fs::temp_directory_path() / "train_gpt_python_XXXXXX").string();
    Folder() {
        if (!::mkdtemp(path.data())) throw system_error(cat(path, ": the folder for python3 cannot be made"));
    }
    Folder(const Folder&) = delete;
    ~Folder() {
        std::error_code ec;
        fs::remove_all(path, ec);
    }
    // What is in it, at least 4 KiB each; stops counting at `enough`.
    int64_t bytes(int64_t enough) const {
        int64_t sum = 0;
        std::error_code ec;
        for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end && sum <= enough; it.increment(ec)) {
            std::error_code ignored;
            const auto size = it->is_regular_file(ignored) ? it->file_size(ignored) : 0;
            sum += std::max<int64_t>(4096, ignored ? 0 : int64_t(size));
        }
        return sum;
    }
};

// Kills the whole process group unless the child was waited for.
struct Process {
    pid_t pid = -1;
    int status = 0;
    bool ended = false;
    explicit Process(pid_t pid_) : pid(pid_) {}
    Process(const Process&) = delete;
    ~Process() { kill(); }
    bool try_wait() {
        if (!ended && ::waitpid(pid, &status, WNOHANG) != 0) ended = true;    // ended, or not ours any more
        return ended;
    }
    void kill() {
        if (ended) return;
        ::kill(-pid, SIGKILL);
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        ended = true;
    }
};

struct Streams {
    std::string out, err;
    ChildStatus status = ChildStatus::ok;        // ok: it ended by itself
};
// Reads both pipes until the child has ended or a limit is reached; then it is dead.
inline Streams watch(Process& process, Pipe& out, Pipe& err, const Folder& folder, const ChildLimits& limits) {
    Streams s;
    const double start = now_s();
    double disk_check = start;
    const size_t most = size_t(limits.output_chars) * 4 + 16;
    pollfd fds[2] = {{out.read.fd, POLLIN, 0}, {err.read.fd, POLLIN, 0}};
    std::string* texts[2] = {&s.out, &s.err};
    while (true) {
        const double left = limits.wall_s - (now_s() - start);
        if (left <= 0) s.status = ChildStatus::timeout;
        if (now_s() - disk_check > 0.02) {
            disk_check = now_s();
            if (folder.bytes(limits.disk_bytes) > limits.disk_bytes) s.status = ChildStatus::disk_limit;
        }
        if (s.status != ChildStatus::ok) break;
        const bool open = fds[0].fd >= 0 || fds[1].fd >= 0;
        if (!open && process.try_wait()) break;
        if (::poll(fds, 2, std::max(1, int(std::min(left, open ? 0.02 : 0.002) * 1000))) < 0 && errno != EINTR) break;
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd < 0 || !fds[i].revents) continue;
            char buffer[16384];
            const ssize_t n = ::read(fds[i].fd, buffer, sizeof buffer);
            if (n == 0 || (n < 0 && errno != EINTR)) fds[i].fd = -1;
            if (n <= 0) continue;
            texts[i]->append(buffer, size_t(n));
            if (i == 0 && s.out.size() > most) s.status = ChildStatus::output_limit;
            if (i == 1 && s.err.size() > 1 << 16) s.err.erase(0, s.err.size() - (1 << 15));   // only its end is of interest
        }
    }
    process.kill();
    return s;
}

inline std::string last_line(std::string s) {
    while (!s.empty() && static_cast<unsigned char>(s.back()) <= ' ') s.pop_back();
    const size_t line = s.rfind('\n');
    return line == std::string::npos ? s : s.substr(line + 1);
}

inline std::string result_text(const Streams& s, const ChildLimits& limits, int status, ChildStatus& verdict) {
    std::string out = to_valid_utf8(s.out), note;
    while (out.ends_with('\n')) out.pop_back();
    int64_t chars = 0;
    for (size_t i = 0; i < out.size(); i++)
        if ((out[i] & 0xC0) != 0x80 && chars++ == limits.output_chars) {
            out.resize(i);
            out += cat("\n[cut after ", limits.output_chars, " characters]");
            break;
        }
    verdict = s.status;
    if (verdict == ChildStatus::timeout) note = cat("TimeoutError: more than ", limits.wall_s, " seconds");
    else if (verdict == ChildStatus::disk_limit) note = cat("OSError: more than ", limits.disk_bytes, " bytes of files");
    else if (verdict == ChildStatus::ok && WIFSIGNALED(status)) {
        const bool cpu = WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL;
        verdict = cpu ? ChildStatus::timeout : ChildStatus::crashed;
        note = cpu ? cat("TimeoutError: more than ", limits.cpu_s, " seconds of CPU time") : cat("python3 crashed: ",
                ::strsignal(WTERMSIG(status)));
    } else if (verdict == ChildStatus::ok && WEXITSTATUS(status) != 0) {
        verdict = ChildStatus::error;
        note = to_valid_utf8(last_line(s.err));
        if (note.empty()) note = cat("python3 ended with status ", WEXITSTATUS(status));
        if (int64_t(note.size()) > limits.output_chars * 4) note.resize(size_t(limits.output_chars * 4)), note = to_valid_utf8(note);
    }
    if (!note.empty() && !out.empty()) out += '\n';
    return out + note;
}

}  // namespace child

// Runs a program of at most 100,000 bytes; see the top of this file. Whatever it does becomes a result; an Error is thrown only where this
// machine cannot give a pipe, a folder or a process.
inline ChildResult run_python3(const std::string& code, const ChildLimits& limits = {}) {
    using namespace child;
    const double start = now_s();
    ChildResult result;
    const auto refuse = [&](ChildStatus status, const std::string& why) {
        result.status = status;
        result.output = why;
        result.seconds = now_s() - start;
        return result;
    };
    if (kArch == 0) return refuse(ChildStatus::refused, "python3 is not run: there is no sandbox for this kind of processor");
    const std::string python = limits.python.empty() ? find_python() : limits.python;
    if (python.empty() || ::access(python.c_str(), X_OK) != 0) return refuse(ChildStatus::missing, "python3 is not installed on this machine");
    if (code.find('\0') != std::string::npos) return refuse(ChildStatus::error, "ValueError: source code string cannot contain null bytes");
    if (code.size() > 100000) return refuse(ChildStatus::error, "MemoryError: programs of more than 100000 bytes are not supported here");

    const Folder folder;
    Pipe out, err, report;
    Fd null, rules;
    null.fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null.fd < 0) throw system_error("/dev/null");
    std::error_code ec;
    const fs::path real = fs::canonical(python, ec), prefix = real.parent_path().parent_path();
    std::vector<std::string> readable = {"/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/lib", "/lib64",
            "/etc/ld.so.cache", "/etc/localtime", real.string()};
    if (prefix.has_relative_path()) readable.push_back((prefix / "lib").string());   // of a Python of its own, e.g. /opt/python
    rules.fd = landlock_rules(readable, folder.path);
    Filter filter(rules.fd >= 0);
    std::vector<std::string> words = {python, "-I", "-S", "-B", "-X", "utf8", "-c", kStarter, code};
    Plan plan{python.c_str(), {}, folder.path.c_str(), {}, &filter.own_pid_at(), rules.fd, null.fd, out.write.fd, err.write.fd,
            report.write.fd, limits};
    for (std::string& word : words) plan.argv.push_back(word.data());
    plan.argv.push_back(nullptr);
    plan.filter = {static_cast<unsigned short>(filter.program().size()), filter.program().data()};

    const pid_t pid = ::fork();
    if (pid < 0) throw system_error("a process for python3");
    if (pid == 0) run_in_child(plan);
    Process process(pid);
    out.write.close();
    err.write.close();
    report.write.close();
    child::Message message{};
    bool started = false;
    for (ssize_t n; (n = ::read(report.read.fd, &message, sizeof message)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n != sizeof message) break;
        if (message.step != 0) return refuse(ChildStatus::refused, cat("python3 is not run: the sandbox cannot be set up (",
                step_name(message.step), ": ", std::strerror(message.error), ")"));
        started = true;
        result.landlock = message.landlock;
        result.namespaces = message.namespaces;
    }
    if (!started) return refuse(ChildStatus::refused, "python3 is not run: the sandbox cannot be set up");
    const Streams streams = watch(process, out, err, folder, limits);
    result.output = result_text(streams, limits, process.status, result.status);
    result.seconds = now_s() - start;
    return result;
}
