// The language classifier: a first byte 0 and bytes as a model file, which is refused or works; else a text for the real model.
#include "../data/language_model.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (!size) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto sensible = [](const LanguageModel& model, std::string_view text) {
        const auto scores = model.classify(text, model.names().size());
        float sum = 0;
        for (size_t i = 0; i < scores.size(); i++) {
            must(scores[i].probability >= 0 && scores[i].probability <= 1.001f && (i == 0 || scores[i].probability <= scores[i - 1].probability));
            sum += scores[i].probability;
        }
        must(scores.empty() || (sum > 0.99f && sum < 1.01f));
    };
    static const LanguageModel real("dev/data/language.bin");
    if (data[0]) return sensible(real, rest), 0;
    // most of a model is rows of numbers: the input is its beginning (and the number of rows that follow is what it says)
    static const FuzzFile file("language");
    static const std::string rows(size_t(kLanguageBuckets) * kLanguageDim, '\3');
    for (const std::string& bytes : {std::string(rest), std::string(rest) + rows})
        answered([&] {
            const LanguageModel model(file.write(bytes));
            sensible(model, "the text of a page");
        });
    return 0;
}
