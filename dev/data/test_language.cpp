// test_language.cpp -- the language classifier: its model file, texts of known languages, pages from the web.
// (Precision and recall on held-out paragraphs of the UDHR collection are measured by train_language, which holds them out:
// train_language --evaluate.)
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "../test/test.hpp"
#include "language_model.hpp"

namespace {

constexpr const char* kModel = "dev/data/language.bin";

void test_texts(Report& t) {
    const LanguageModel model(kModel);
    t.check_at_most(double(file_size_bytes(kModel)), 2 << 20, "bytes of the model");
    const std::pair<const char*, const char*> texts[] = {
        {"en", "The kettle was boiling when she came home, so we sat down in the kitchen and talked about the trip she had made in spring."},
        {"de", "Als sie nach Hause kam, kochte das Wasser schon; wir setzten uns in die Küche und sprachen über ihre Reise im Frühling."},
        {"fr", "Quand elle est rentrée, l'eau bouillait déjà, alors nous nous sommes assis dans la cuisine pour parler de son voyage."},
        {"es", "Cuando llegó a casa el agua ya hervía, así que nos sentamos en la cocina y hablamos de su viaje de la primavera."},
        {"it", "Quando è tornata a casa l'acqua bolliva già, perciò ci siamo seduti in cucina e abbiamo parlato del suo viaggio."},
        {"pt", "Quando ela chegou a casa a água já fervia, por isso sentámo-nos na cozinha e falámos da viagem que tinha feito."},
        {"nl", "Toen ze thuiskwam kookte het water al, dus gingen we in de keuken zitten en praatten we over haar reis in het voorjaar."},
        {"sv", "När hon kom hem kokade vattnet redan, så vi satte oss i köket och pratade om resan som hon hade gjort under våren."},
        {"pl", "Kiedy wróciła do domu, woda już się gotowała, więc usiedliśmy w kuchni i rozmawialiśmy o jej wiosennej podróży."},
        {"ru", "Когда она вернулась домой, вода уже кипела, мы сели на кухне и стали говорить о её весенней поездке."},
        {"uk", "Коли вона повернулася додому, вода вже кипіла, ми сіли на кухні й почали говорити про її весняну подорож."},
        {"ja", "彼女が家に帰ったとき、お湯はもう沸いていたので、私たちは台所に座って春の旅行について話しました。"},
        {"zh", "她回到家的时候水已经开了,我们就坐在厨房里,谈起她春天的旅行,谈了很久。"},
        {"ko", "그녀가 집에 돌아왔을 때 물이 이미 끓고 있어서 우리는 부엌에 앉아 봄에 다녀온 여행에 대해 이야기했다."},
        {"el", "Όταν γύρισε στο σπίτι το νερό έβραζε ήδη, κι έτσι καθίσαμε στην κουζίνα και μιλήσαμε για το ταξίδι της."},
        {"tr", "Eve geldiğinde su çoktan kaynamıştı, biz de mutfakta oturup ilkbaharda yaptığı yolculuk hakkında konuştuk."}};
    for (const auto& [language, text] : texts) {
        const auto best = model.classify(text, 2);
        t.check(best.size() == 2 && best[0].name == language, cat(language, ": said ", best[0].name, " ", best[0].probability, ", then ", best[1].name));
    }
    t.check(model.classify("THE KETTLE WAS BOILING when she came home")[0].probability == model.classify("the kettle was boiling when she came home")[0].probability, "case does not matter");
    t.check(model.classify("12345 ... !!! 67").empty() && model.classify("").empty(), "a text without letters has no language");
    double sum = 0;
    const auto all = model.classify(texts[0].second, 10000);
    for (const auto& s : all) sum += double(s.probability);
    t.check(all.size() == model.names().size() && std::fabs(sum - 1) < 1e-4, cat("probabilities sum to ", sum));
    std::mt19937 gen(1);
    int64_t sure = 0;
    for (int i = 0; i < 100; i++) {  // words of random letters: sure of nothing, most of the time
        std::string noise;
        for (int k = 0; k < 400; k++) noise += k % 7 == 6 ? ' ' : char('a' + gen() % 26);
        const auto said = model.classify(noise);
        sure += !said.empty() && said[0].name != "zxx" && said[0].probability > 0.65f;
    }
    t.check(sure <= 5, cat("random letters above 0.65: ", sure, " of 100"));
}

void test_files(Report& t) {
    TempDir dir;
    const std::string whole(MappedFile(kModel).view());
    const auto load = [&](std::string bytes) {
        std::FILE* f = std::fopen((dir / "m.bin").c_str(), "wb");
        std::fwrite(bytes.data(), 1, bytes.size(), f);
        std::fclose(f);
        LanguageModel(dir / "m.bin");
    };
    load(whole);
    t.check_error([&] { LanguageModel(dir / "none"); }, "cannot be read", "a missing model");
    t.check_error([&] { load("hello"); }, "not a language model", "another file");
    t.check_error([&] { load(whole.substr(0, whole.size() / 2)); }, "cut at byte", "half a model");
    t.check_error([&] { load(whole + "x"); }, "bytes too many", "a model with a tail");
    std::string odd = whole;
    odd[8] = 1, odd[9] = 0;
    t.check_error([&] { load(odd); }, "expected 2..1000", "a wrong number of languages");
    int32_t languages = 0;
    std::memcpy(&languages, whole.data() + 8, 4);
    for (const float bad : {2e6f, -3e38f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        odd = whole;
        std::memcpy(odd.data() + 20 + 8 * languages + 4, &bad, 4);
        t.check_error([&] { load(odd); }, "expected -1e6 to 1e6", cat("a weight of ", bad));
    }
}

// Pages of the extraction benchmark (in six languages; one of the two Italian ones is a list of English
// names of toys) and English of Common Crawl.
void test_web(Report& t) {
    const std::string web = shared_data() + "/web/";
    if (shared_data().empty() || !fs::exists(web + "c4_demo_300.jsonl")) return t.skip("texts from the web", "../shared/data/web is absent");
    const LanguageModel model(kModel);
    int64_t kept = 0, all = 0, bytes = 0, as_other = 0;
    double seconds = 0;
    std::ifstream lines(web + "c4_demo_300.jsonl");
    for (std::string line; std::getline(lines, line);) {
        const std::string text = nlohmann::json::parse(line)["text"];
        const clock_t start = clock();
        const auto best = model.classify(text);
        seconds += double(clock() - start) / CLOCKS_PER_SEC;
        const bool en = !best.empty() && best[0].name == "en" && best[0].probability > 0.65f;
        kept += en, as_other += !best.empty() && best[0].name != "en" && best[0].probability > 0.65f;
        all++, bytes += int64_t(text.size());
    }
    std::printf("  English of Common Crawl kept above 0.65: %lld of %lld; %.0f documents/s, %.1f MB/s\n", (long long)kept, (long long)all, double(all) / seconds, double(bytes) / seconds / 1e6);
    t.check(kept * 100 >= all * 98, cat("English is kept: ", kept, " of ", all));
    t.check(as_other <= 1, cat("English taken for another language above 0.65: ", as_other));
    const nlohmann::json truth = nlohmann::json::parse(MappedFile(web + "pages/ground-truth.json").view());
    std::map<std::string, int64_t> said;
    for (const auto& [key, page] : truth.items()) said[model.classify(page["articleBody"].get<std::string>())[0].name]++;
    std::string line;
    for (const auto& [name, n] : said) line += cat(name, ":", n, " ");
    t.check(said["en"] >= 80 && said["ru"] == 3 && said["pt"] == 3 && said["it"] >= 1 && said["ko"] == 1 && said["id"] == 1, "languages of the benchmark's pages: " + line);
}

const LinkedSuite linked({{"language_texts", test_texts}, {"language_files", test_files}, {"language_web", test_web}});

}  // namespace

int main(int argc, char** argv) { return run_tests(argc, argv, linked_suites()); }
