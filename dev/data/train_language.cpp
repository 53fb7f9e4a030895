// train_language.cpp -- trains the language classifier of language_model.hpp on free texts.
//
//   train_language --udhr udhr2.zip [--text NAME=PATH]... --output language.bin [--holdout N] [--epochs N] [--seed N]
//   train_language --udhr udhr2.zip --evaluate language.bin        precision and recall of a model trained with the same --holdout
//
// The Universal Declaration of Human Rights is the one text that exists in nearly every language: 370 files, 15 kB each. It is
// legal prose, so --text adds files or folders (plain text or HTML, .gz too) where a language should be known better; the
// Debian package installation-guide-amd64 has 18 languages. Snippets of 30 to 400 characters are drawn from random places, as
// many from each language (more from English), so the classifier learns short and long texts. Training: softmax regression
// with a bottleneck, Adagrad with one accumulator per row (Duchi et al., 2011), learning rate falling to zero.
// --holdout N keeps every N-th paragraph away from training, with all that share a fifth of their word 5-grams with one (the
// collection repeats texts in two spellings), and prints precision and recall on those of at least 200 characters.
#include <zlib.h>

#include <map>
#include <random>
#include <set>
#include <unordered_set>

#include "charset.hpp"
#include "extract_text.hpp"
#include "io.hpp"
#include "language_names.hpp"

namespace {

struct TrainConfig {
    std::string udhr, output;
    std::vector<std::pair<std::string, std::string>> texts;  // (language, path)
    bool only_evaluate = false;
    int holdout = 5, epochs = 40, snippets = 60, seed = 1;
    float rate = 0.3f;
};
struct Corpus {
    std::map<std::string, std::vector<std::string>> udhr, extra, heldout;  // language -> paragraphs
};

std::string read_unpacked(const std::string& path) {
    webtext::InputFile in(path);
    std::string out;
    std::array<char, 65536> buffer;
    while (const size_t n = in.read(buffer.data(), buffer.size())) out.append(buffer.data(), n);
    return out;
}

// The files of a zip archive (stored or deflated), by its central directory (PKWARE APPNOTE 4.3.12).
std::map<std::string, std::string> read_zip(const std::string& path) {
    const MappedFile file(path);
    const std::string_view z = file.view();
    const auto number = [&](size_t at, int bytes) {
        if (at + size_t(bytes) > z.size()) throw Error(cat(path, ": the zip archive is cut at byte ", z.size()));
        uint32_t v = 0;
        for (int b = 0; b < bytes; b++) v |= uint32_t(static_cast<unsigned char>(z[at + size_t(b)])) << (8 * b);
        return size_t(v);
    };
    const size_t tail = z.rfind("PK\5\6");
    if (tail == std::string_view::npos) throw Error(cat(path, ": not a zip archive"));
    std::map<std::string, std::string> files;
    size_t at = number(tail + 16, 4);
    for (size_t k = number(tail + 10, 2); k-- > 0;) {
        if (z.substr(at, 4) != "PK\1\2") throw Error(cat(path, ": broken zip directory at byte ", at));
        const size_t method = number(at + 10, 2), packed = number(at + 20, 4), size = number(at + 24, 4), name = number(at + 28, 2);
        const size_t local = number(at + 42, 4), data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        if (data + packed > z.size()) throw Error(cat(path, ": the zip archive is cut at byte ", z.size()));
        std::string out(method == 8 ? size : packed, '\0');
        if (method == 8 && size) {
            z_stream s{};
            inflateInit2(&s, -15);
            s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(z.data() + data));
            s.avail_in = uInt(packed);
            s.next_out = reinterpret_cast<Bytef*>(out.data());
            s.avail_out = uInt(size);
            const int result = inflate(&s, Z_FINISH);
            inflateEnd(&s);
            if (result != Z_STREAM_END) throw Error(cat(path, ": broken data in ", z.substr(at + 46, name)));
        } else if (method == 0) {
            std::memcpy(out.data(), z.data() + data, packed);
        } else {
            throw Error(cat(path, ": compression method ", method, " of ", z.substr(at + 46, name), ", expected 0 or 8"));
        }
        files[std::string(z.substr(at + 46, name))] = out;
        at += 46 + name + number(at + 30, 2) + number(at + 32, 2);
    }
    return files;
}

std::vector<std::string> paragraphs_of(const std::string& text) {
    std::vector<std::string> out;
    for (size_t at = 0; at < text.size();) {
        const size_t newline = std::min(text.find('\n', at), text.size());
        const std::string line = html_detail::fold_spaces(to_valid_utf8(std::string_view(text).substr(at, newline - at)));
        if (line.size() >= 12) out.push_back(line);
        at = newline + 1;
    }
    return out;
}

// Paragraphs of a plain text whose lines are broken at a width: up to an empty line or one of "%" (fortune files).
std::vector<std::string> joined_lines(const std::string& text) {
    std::vector<std::string> out;
    std::string now;
    for (size_t at = 0; at <= text.size();) {
        const size_t newline = std::min(text.find('\n', at), text.size());
        const std::string line = html_detail::fold_spaces(to_valid_utf8(std::string_view(text).substr(at, newline - at)));
        if (line.empty() || line == "%" || newline == text.size()) {
            if (newline == text.size() && line != "%") now += (now.empty() ? "" : " ") + line;
            if (!now.empty()) out.push_back(std::move(now));
            now.clear();
        } else {
            now += (now.empty() ? "" : " ") + line;
        }
        at = newline + 1;
    }
    return out;
}

// Manuals quote English commands, and what nobody has translated stands there in English: such paragraphs teach the wrong
// thing. They are known by English function words (few other languages have two of these) and, in a language of another
// script, by ASCII letters.
bool is_foreign(const std::string& text, const std::string& language) {
    static const std::set<std::string> other_scripts = {"ru", "el", "ja", "ko", "zh", "bg", "ar", "fa", "uk", "he", "hi", "th"};
    static const std::set<std::string> english = {"the", "of", "and", "to", "that", "for", "with", "are", "this", "you", "be", "from", "it", "your", "which"};
    if (language == "en") return false;
    int64_t ascii = 0, other = 0, words = 0, hits = 0;
    std::string word;
    for (const char c : text + " ") {
        const auto u = static_cast<unsigned char>(c);
        ascii += u < 0x80 && std::isalpha(u);
        other += u >= 0xC0;
        if (u >= 0x80 || std::isalpha(u)) {
            word += char(u < 0x80 ? std::tolower(u) : u);
        } else if (!word.empty()) {
            words++, hits += int64_t(english.count(word));
            word.clear();
        }
    }
    return (hits >= 2 && hits * 25 > words) || (other_scripts.count(language) && ascii * 5 > other);
}

int64_t characters(std::string_view text) {
    int64_t n = 0;
    for (const char c : text) n += (c & 0xC0) != 0x80;
    return n;
}

// Hashes of the text's word 5-grams (its words where it has fewer; its characters' 10-grams where it has no spaces).
std::vector<size_t> shingles(const std::string& text) {
    std::vector<std::string> words;
    for (size_t at = 0; at < text.size();) {
        const size_t space = std::min(text.find(' ', at), text.size());
        if (space > at) words.push_back(text.substr(at, space - at));
        at = space + 1;
    }
    std::vector<size_t> out;
    if (int64_t(words.size()) * 40 < int64_t(text.size())) {
        for (size_t i = 0; i + 30 <= text.size(); i++) out.push_back(std::hash<std::string_view>()(std::string_view(text).substr(i, 30)));
    } else {
        for (size_t i = 0; i + 5 <= words.size(); i++)
            out.push_back(std::hash<std::string>()(words[i] + " " + words[i + 1] + " " + words[i + 2] + " " + words[i + 3] + " " + words[i + 4]));
    }
    return out;
}

// The class "zxx" (ISO 639-2: no linguistic content): random letters, hexadecimal and base64-like strings, and real texts with
// their letters exchanged at random. Without it, softmax has to call such a text by some language's name.
std::vector<std::string> no_language(const std::map<std::string, std::vector<std::string>>& texts) {
    std::mt19937 gen(9);
    std::vector<std::string> out;
    static const std::string alphabets[] = {"abcdefghijklmnopqrstuvwxyz", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "bcdfghklmnprstvwaeiouaeiou"};
    for (int i = 0; i < 200; i++) {
        const std::string& alphabet = alphabets[size_t(i) % std::size(alphabets)];
        const size_t word = 3 + gen() % 12;
        std::string text;
        for (int k = 0; k < 500; k++) text += gen() % word == 0 ? ' ' : alphabet[gen() % alphabet.size()];
        out.push_back(text);
    }
    const std::vector<std::string>& english = texts.at("en");
    for (int i = 0; i < 100; i++) {
        std::string cipher = alphabets[0], text;
        std::shuffle(cipher.begin(), cipher.end(), gen);
        for (const char c : english[gen() % english.size()]) text += c >= 'a' && c <= 'z' ? cipher[size_t(c - 'a')] : c;
        out.push_back(text);
    }
    return out;
}

Corpus read_corpus(const TrainConfig& config) {
    Corpus corpus;
    std::map<std::string, std::vector<std::string>> all;
    for (const auto& [name, text] : read_zip(config.udhr)) {
        const std::string language = language_of_udhr(fs::path(name).filename().string());
        const auto paragraphs = paragraphs_of(text);
        if (language.empty() || paragraphs.size() < 20) continue;  // a file with a line or two is a placeholder
        size_t k = 0;
        for (const std::string& p : paragraphs) {
            const bool held = config.holdout > 0 && k % size_t(config.holdout) == size_t(config.holdout) / 2;
            if (characters(p) >= 100) k++;
            (held && characters(p) >= 100 ? corpus.heldout : all)[language].push_back(p);
        }
    }
    for (auto& [language, paragraphs] : all) {
        std::unordered_set<size_t> held;
        for (const std::string& p : corpus.heldout[language])
            for (const size_t s : shingles(p)) held.insert(s);
        for (const std::string& p : paragraphs) {
            const auto mine = shingles(p);
            size_t shared = 0;
            for (const size_t s : mine) shared += held.count(s);
            if (shared * 5 <= mine.size()) corpus.udhr[language].push_back(p);
        }
    }
    if (corpus.udhr.count("en")) corpus.udhr["zxx"] = no_language(corpus.udhr);
    for (const auto& [language, path] : config.texts) {
        std::vector<std::string> files;
        if (fs::is_directory(path)) {
            for (const auto& e : fs::recursive_directory_iterator(path))
                if (e.is_regular_file()) files.push_back(e.path().string());
        } else {
            files.push_back(path);
        }
        std::sort(files.begin(), files.end());
        for (const std::string& f : files) {
            std::string text = read_unpacked(f);
            if (f.find(".html") != std::string::npos) text = extract_text(decode_page(text).text).text;
            else if (f.find(".txt") == std::string::npos && fs::is_directory(path)) continue;
            for (std::string& p : joined_lines(text))
                if (p.size() >= 60 && !is_foreign(p, language)) corpus.extra[language].push_back(std::move(p));
        }
        if (corpus.extra[language].empty()) throw Error(cat(path, ": no paragraph of text for ", language));
    }
    return corpus;
}

// The model in training, in floats.
class Trainer {
   public:
    Trainer(const TrainConfig& config, std::vector<std::string> names) : names_(std::move(names)), gen_(uint32_t(config.seed)) {
        const size_t D = size_t(kLanguageDim);
        rows_.resize(size_t(kLanguageBuckets) * D);
        row_sum_.assign(size_t(kLanguageBuckets), 1e-8f);
        weights_.assign(names_.size() * (D + 1), 0.0f);
        weight_sum_.assign(names_.size(), 1e-8f);
        std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
        for (float& r : rows_) r = uniform(gen_);
        for (float& w : weights_) w = uniform(gen_) * 0.2f;
    }
    // One step on one snippet; returns its loss.
    float step(std::string_view text, size_t label, float rate) {
        constexpr size_t D = size_t(kLanguageDim);
        features_.clear();
        language_detail::each_feature(text, 100000, [&](uint32_t b) { features_.push_back(b); });
        if (features_.empty()) return 0;
        std::array<float, D> x{}, dx{};
        for (const uint32_t b : features_)
            for (size_t d = 0; d < D; d++) x[d] += rows_[b * D + d];
        const float scale = 1.0f / float(features_.size());
        for (float& v : x) v *= scale;
        p_.resize(names_.size());
        float highest = -1e30f, total = 0;
        for (size_t c = 0; c < p_.size(); c++) {
            const float* w = &weights_[c * (D + 1)];
            float s = w[D];
            for (size_t d = 0; d < D; d++) s += w[d] * x[d];
            p_[c] = s, highest = std::max(highest, s);
        }
        for (float& p : p_) p = std::exp(p - highest), total += p;
        const float loss = -std::log(std::max(p_[label] / total, 1e-30f));
        for (size_t c = 0; c < p_.size(); c++) {
            const float g = p_[c] / total - (c == label ? 1.0f : 0.0f);
            if (std::fabs(g) < 1e-4f) continue;  // most of the languages, most of the time
            float* w = &weights_[c * (D + 1)];
            float norm = 0;
            for (size_t d = 0; d < D; d++) norm += x[d] * x[d];
            weight_sum_[c] += g * g * (norm + 1) / float(D + 1);
            const float r = rate * g / std::sqrt(weight_sum_[c]);
            for (size_t d = 0; d < D; d++) dx[d] += g * w[d], w[d] -= r * x[d];
            w[D] -= r;
        }
        float norm = 0;
        for (float& v : dx) v *= scale, norm += v * v;
        for (const uint32_t b : features_) {
            row_sum_[b] += norm / float(D);
            const float r = rate / std::sqrt(row_sum_[b]);
            for (size_t d = 0; d < D; d++) rows_[b * D + d] -= r * dx[d];
        }
        return loss;
    }
    void write(const std::string& path) const {
        constexpr size_t D = size_t(kLanguageDim);
        // int8 rows: one scale per dimension, which goes into the weights; the rare value beyond 4 deviations is clipped
        std::array<float, D> scale{};
        for (size_t d = 0; d < D; d++) {
            double square = 0;
            for (size_t b = 0; b < size_t(kLanguageBuckets); b++) square += double(rows_[b * D + d]) * double(rows_[b * D + d]);
            scale[d] = float(std::sqrt(square / kLanguageBuckets)) * 4 / 127;
        }
        std::string out(kLanguageMagic, 8);
        const auto put = [&](const void* p, size_t n) { out.append(static_cast<const char*>(p), n); };
        const int32_t head[3] = {int32_t(names_.size()), kLanguageBuckets, kLanguageDim};
        put(head, sizeof head);
        for (const std::string& name : names_) {
            char padded[8] = {};
            std::memcpy(padded, name.data(), std::min<size_t>(name.size(), 8));
            put(padded, 8);
        }
        for (size_t c = 0; c < names_.size(); c++)
            for (size_t d = 0; d <= D; d++) {
                const float w = weights_[c * (D + 1) + d] * (d < D ? scale[d] : 1.0f);
                put(&w, sizeof w);
            }
        for (size_t i = 0; i < rows_.size(); i++) {
            const float q = std::round(rows_[i] / scale[i % D]);
            out += char(int8_t(std::clamp(q, -127.0f, 127.0f)));
        }
        AtomicFile file(path);
        file.write(out.data(), out.size());
        file.commit();
    }

   private:
    std::vector<std::string> names_;
    std::mt19937 gen_;
    std::vector<float> rows_, row_sum_, weights_, weight_sum_;
    std::vector<uint32_t> features_;
    std::vector<float> p_;
};

// A piece of 30 to 400 characters: a random paragraph, cut at random places between words, or joined with its successors.
std::string draw(const std::vector<std::string>& paragraphs, std::mt19937& gen) {
    const int64_t wanted = 30 + int64_t(gen() % 371);
    size_t i = gen() % paragraphs.size();
    std::string text = paragraphs[i];
    while (characters(text) < wanted && ++i < paragraphs.size()) text += " " + paragraphs[i];
    size_t start = text.size() > size_t(wanted) ? gen() % (text.size() - size_t(wanted) + 1) : 0;
    while (start < text.size() && start > 0 && (text[start] & 0xC0) == 0x80) start++;
    if (const size_t space = text.find(' ', start); start > 0 && space != std::string::npos && space - start < 30) start = space + 1;
    size_t end = start;
    for (int64_t n = 0; end < text.size() && n < wanted; end++) n += (text[end] & 0xC0) != 0x80;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) end++;
    return text.substr(start, end - start);
}

void train(const TrainConfig& config, const Corpus& corpus) {
    std::vector<std::string> names;
    for (const auto& [language, paragraphs] : corpus.udhr) names.push_back(language);
    for (const auto& [language, paragraphs] : corpus.extra)
        if (!corpus.udhr.count(language)) throw Error(cat("--text ", language, "=...: no such language in ", config.udhr));
    Trainer trainer(config, names);
    std::mt19937 gen(uint32_t(config.seed) + 1);
    std::vector<std::pair<size_t, bool>> order;  // (language, from the extra texts)
    for (size_t c = 0; c < names.size(); c++) {
        const bool has_extra = corpus.extra.count(names[c]);
        const int times = config.snippets * (names[c] == "en" ? 8 : has_extra ? 2 : 1);
        for (int k = 0; k < times; k++) order.push_back({c, has_extra && k % 2});
    }
    const double start = now_s();
    for (int epoch = 0; epoch < config.epochs; epoch++) {
        std::shuffle(order.begin(), order.end(), gen);
        double loss = 0;
        for (size_t k = 0; k < order.size(); k++) {
            const float progress = (float(epoch) + float(k) / float(order.size())) / float(config.epochs);
            const auto& from = order[k].second ? corpus.extra.at(names[order[k].first]) : corpus.udhr.at(names[order[k].first]);
            loss += double(trainer.step(draw(from, gen), order[k].first, config.rate * (1 - progress)));
        }
        if (epoch % 5 == 4 || epoch + 1 == config.epochs)
            std::printf("epoch %d of %d: loss %.4f, %.0f s\n", epoch + 1, config.epochs, loss / double(order.size()), now_s() - start), std::fflush(stdout);
    }
    trainer.write(config.output);
}

// Precision and recall per language on the held-out paragraphs of at least `shortest` characters.
void evaluate(const TrainConfig& config, const Corpus& corpus, int64_t shortest) {
    const LanguageModel model(config.output);
    std::map<std::string, std::array<int64_t, 3>> counts;  // true positives, predicted, actual
    std::map<std::string, int64_t> confusions;
    int64_t right = 0, all = 0;
    for (const auto& [language, paragraphs] : corpus.heldout)
        for (const std::string& p : paragraphs) {
            if (characters(p) < shortest) continue;
            const auto best = model.classify(p);
            const std::string said = best.empty() ? "?" : best[0].name;
            counts[language][2]++, counts[said][1]++, all++;
            if (said == language) counts[language][0]++, right++;
            else confusions[language + ">" + said]++;
        }
    double precision = 0, recall = 0;
    int64_t languages = 0, predicted = 0, perfect = 0;
    for (const auto& [language, n] : counts) {
        if (n[2]) recall += double(n[0]) / double(n[2]), languages++, perfect += n[0] == n[2] && n[1] == n[0];
        if (n[1]) precision += double(n[0]) / double(n[1]), predicted++;
    }
    std::printf("held-out paragraphs of >= %lld characters: %lld of %lld right (%.4f); mean over %lld languages: precision %.4f, recall %.4f; %lld languages without an error\n",
                (long long)shortest, (long long)right, (long long)all, double(right) / double(std::max<int64_t>(all, 1)), (long long)languages,
                precision / double(std::max<int64_t>(predicted, 1)), recall / double(std::max<int64_t>(languages, 1)), (long long)perfect);
    std::printf("  confusions:");
    for (const auto& [pair, n] : confusions) std::printf(" %s:%lld", pair.c_str(), (long long)n);
    std::printf("\n");
}

TrainConfig parse(int argc, char** argv) {
    TrainConfig config;
    const auto number = [](const std::string& flag, const std::string& text, int64_t low) {
        char* end = nullptr;
        const long long v = std::strtoll(text.c_str(), &end, 10);
        if (text.empty() || *end || v < low || v > 100000) throw UsageError(cat(flag, " ", text, ": expected a number from ", low, " to 100000"));
        return int(v);
    };
    for (int i = 1; i < argc; i += 2) {
        const std::string flag = argv[i];
        if (i + 1 >= argc) throw UsageError(cat(flag, ": a value is missing"));
        const std::string value = argv[i + 1];
        if (flag == "--udhr") config.udhr = value;
        else if (flag == "--output") config.output = value;
        else if (flag == "--evaluate") config.output = value, config.only_evaluate = true;
        else if (flag == "--holdout") config.holdout = number(flag, value, 0);
        else if (flag == "--epochs") config.epochs = number(flag, value, 1);
        else if (flag == "--snippets") config.snippets = number(flag, value, 1);
        else if (flag == "--seed") config.seed = number(flag, value, 0);
        else if (flag == "--text") {
            const size_t equals = value.find('=');
            if (equals == std::string::npos || equals == 0) throw UsageError(cat("--text ", value, ": expected LANGUAGE=PATH"));
            config.texts.push_back({value.substr(0, equals), value.substr(equals + 1)});
        } else throw UsageError(cat("unknown flag ", flag), "flags: --udhr --text --output --evaluate --holdout --epochs --snippets --seed");
    }
    if (config.udhr.empty() || config.output.empty()) throw UsageError("--udhr and --output (or --evaluate) are needed", "see the top of dev/data/train_language.cpp");
    return config;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const TrainConfig config = parse(argc, argv);
        const Corpus corpus = read_corpus(config);
        std::printf("%zu languages, %zu with extra texts\n", corpus.udhr.size(), corpus.extra.size());
        if (!config.only_evaluate) train(config, corpus);
        for (const int64_t shortest : {100, 200})
            if (config.holdout) evaluate(config, corpus, shortest);
    } catch (const Error& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        if (!e.advice.empty()) std::fprintf(stderr, "  %s\n", e.advice.c_str());
        return e.status;
    }
}
