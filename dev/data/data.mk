# dev/data/data.mk -- the web-text program, apart from the trainer; it needs zlib and zstd. `make data` builds it, `make test_data` runs its tests.
DATA_DIR   := build/data
DATA_CXX   = $(CXX) -std=c++20 -O2 $(WARN) -I. $(CPPFLAGS) -o $@ $< -lz -lzstd
DATA_HEADS := $(wildcard dev/data/*.hpp) common.hpp cli.hpp utf8.hpp
DATA_TESTS := $(DATA_DIR)/test_data $(DATA_DIR)/test_extract $(DATA_DIR)/test_warc $(DATA_DIR)/test_language

.PHONY: data test_data
data: $(DATA_DIR)/webtext $(DATA_DIR)/train_language
	@ln -sf ../../$< dev/data/webtext
test_data: $(DATA_TESTS) data
	@for t in $(DATA_TESTS) dev/data/test_scripts.sh; do $$t || exit 1; done
$(DATA_DIR)/%: dev/data/%.cpp $(DATA_HEADS) dev/test/test.hpp
	@mkdir -p $(@D)
	$(DATA_CXX)

# The language classifier anew, from free texts: Debian packages, which apt-get downloads and nobody installs, and the UDHR collection.
UDHR ?= ../shared/data/web/udhr2.zip
.PHONY: language
language: $(DATA_DIR)/train_language
	dev/data/language_texts.sh $(DATA_DIR)/language_texts $(UDHR) dev/data/language.bin
