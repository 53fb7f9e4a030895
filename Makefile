# train_gpt: `make help` lists the targets.
#
# One source file holds the program. nvcc compiles it for both devices where it is found, g++ alone for the CPU. The object
# files of the two live apart (build/cpu, build/cuda; with SAN=1 build/san), and ./train_gpt is a link to the one built last.
CXX      ?= g++
# an nvcc that is not on the PATH is looked for where NVIDIA's packages put it; NVCC= (empty) builds for the CPU
ifeq ($(origin NVCC),undefined)
NVCC     := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
endif
CXXFLAGS ?= -O3

# -fassociative-math and its two companions let the compiler vectorise float sums; NaN and Inf keep their meaning
# (that is why -ffast-math, which makes std::isnan(x) false, is not here). Instruction sets are chosen at run time.
MATH     := -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math
# -Wno-restrict: GCC 12 sees overlaps in std::string::insert that cannot be (GCC bug 105651)
WARN     := -Wall -Wextra -Werror -Wno-restrict
ifdef SAN
# -O1 keeps the reports readable. libgomp never frees its pool and oneDNN never its caches; see SAN_ENV.
override CXXFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
ALL_CXX  := -std=c++20 $(CXXFLAGS) $(MATH) $(WARN) -fopenmp -I. $(CPPFLAGS)
# the same question that kernels/matmul.hpp asks (oneDNN is optional: without it our own matrix products run);
# %: is C's other spelling of the hash, which make would take for a comment
LIBS     := -lpthread $(shell printf '%%:if !__has_include(<oneapi/dnnl/dnnl.hpp>)\n%%:error\n%%:endif\n' \
              | $(CXX) $(CPPFLAGS) -x c++ -E - >/dev/null 2>&1 && echo -ldnnl)

CPU_DIR  := build/$(if $(SAN),san,cpu)
CUDA_DIR := build/cuda
DEFAULT  := $(if $(NVCC),$(if $(SAN),cpu,cuda),cpu)
# the binary under test, where the end-to-end tests find it
TESTED   := $(if $(SAN),$(CPU_DIR)/train_gpt,./train_gpt)
# Sanitizer runs: leaks are reported only where they are ours. detect_odr_violation=0: oneDNN defines a name twice.
SAN_ENV  := $(if $(SAN),ASAN_OPTIONS=detect_odr_violation=0 LSAN_OPTIONS=suppressions=dev/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1)
# two compilations at a time unless the caller said how many
JOBS     := $(if $(findstring -j,$(MAKEFLAGS)),,-j2)

.PHONY: all cpu cuda setup test demo bench check docs clean help suite force
all: $(DEFAULT)                 ## build ./train_gpt: CPU and CUDA in one binary where nvcc is found, else CPU (the default)

cpu: $(CPU_DIR)/train_gpt       ## build ./train_gpt for the CPU alone, with g++
	$(if $(SAN),,@ln -f $< train_gpt)
cuda: $(CUDA_DIR)/train_gpt     ## build ./train_gpt for CPU and CUDA, with nvcc
	@ln -f $< train_gpt

setup:                          ## install the Debian/Ubuntu packages that are missing, or print the command that does
	@CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/setup.sh

test:                           ## set up what is missing, build, run all tests; the last line counts them
	@CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/setup.sh --needed
	@$(MAKE) --no-print-directory $(JOBS) $(DEFAULT) $(CPU_DIR)/test_gpt
	@$(if $(SAN),,ln -f $(CPU_DIR)/test_gpt test_gpt)
	@$(SAN_ENV) TRAIN_GPT=$(TESTED) $(CPU_DIR)/test_gpt

demo:                           ## 10 minutes on two cores: data, tokenizer, pretraining, samples, the loss curve
	@CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/setup.sh --needed
	@$(MAKE) --no-print-directory $(JOBS) $(DEFAULT)
	@scripts/demo.sh

bench: $(DEFAULT)               ## time every operation, a training step and generation against this machine's limits
	./train_gpt bench all

check:                          ## what a compiler can't see: headers stand alone, flags in the docs exist, sizes, shellcheck
	@dev/check.sh

docs: $(DEFAULT)                ## write the flag tables of the program into README.md
	@./train_gpt help --markdown > build/flags.md
	@sed -i -e '/<!-- flags:begin -->/,/<!-- flags:end -->/{/<!-- flags:/!d}' -e '/<!-- flags:begin -->/r build/flags.md' README.md

clean:                          ## remove what was built; data and runs under out/ stay
	rm -rf build train_gpt test_gpt

help:                           ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo '  SAN=1           build with the address and undefined-behaviour sanitizers: make SAN=1 test'
	@echo '  NVCC=           ignore nvcc;  CXX=, CXXFLAGS=-O1: another compiler, other flags'

# ---- one translation unit each; -MMD notes which headers it read

# rewritten only when the content changes, so that what depends on it is rebuilt only then
# $(1): the text
define write_if_changed
@mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef

$(CPU_DIR)/flags: force
	$(call write_if_changed,$(CXX) $(ALL_CXX) $(LIBS))
$(CPU_DIR)/train_gpt.o: train_gpt.cu $(CPU_DIR)/flags | build/version.hpp
	$(CXX) $(ALL_CXX) -include build/version.hpp -MMD -MP -c -x c++ $< -o $@
$(CPU_DIR)/test_gpt.o: test_gpt.cu $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) -MMD -MP -c -x c++ $< -o $@
$(CPU_DIR)/train_gpt: $(CPU_DIR)/train_gpt.o build/version.o
	$(CXX) $(ALL_CXX) $^ -o $@ $(LIBS)
$(CPU_DIR)/test_gpt: $(CPU_DIR)/test_gpt.o
	$(CXX) $(ALL_CXX) $^ -o $@ $(LIBS)

# CUDA: Ampere, Hopper and (where the toolkit knows it) Blackwell; newer GPUs compile the PTX of the last one.
comma    := ,
empty    :=
SM       = $(filter 80 90 100,$(patsubst sm_%,%,$(shell $(NVCC) --list-gpu-code)))
GENCODE  = $(foreach s,$(SM),-gencode arch=compute_$(s)$(comma)code=sm_$(s)) \
           -gencode arch=compute_$(lastword $(SM))$(comma)code=compute_$(lastword $(SM))
HOST     = $(subst $(empty) $(empty),$(comma),$(strip $(MATH) $(WARN) -fopenmp))
ALL_NVCC = -std=c++20 $(CXXFLAGS) -I. $(CPPFLAGS) -ccbin $(CXX) -Xcompiler $(HOST) -Werror all-warnings $(GENCODE) --threads 0
$(CUDA_DIR)/flags: force
	$(call write_if_changed,$(NVCC) $(ALL_NVCC) $(LIBS))
$(CUDA_DIR)/train_gpt.o: train_gpt.cu $(CUDA_DIR)/flags | build/version.hpp
	$(if $(NVCC),,$(error nvcc is not found: set NVCC=/path/to/nvcc, or build for the CPU with make cpu))
	$(NVCC) $(ALL_NVCC) -include build/version.hpp -MMD -MP -c -x cu $< -o $@
# cudart is linked statically and looks for the driver at run time: the binary starts on a machine without one
$(CUDA_DIR)/train_gpt: $(CUDA_DIR)/train_gpt.o build/version.o
	$(NVCC) -ccbin $(CXX) --cudart static -Xcompiler -fopenmp $^ -o $@ $(LIBS)

# The version is an object of its own: a commit recompiles one line, not the program.
build/version.hpp:
	@mkdir -p build && printf 'extern const char* const train_gpt_version;\n#define TRAIN_GPT_VERSION train_gpt_version\n' > $@
build/version.txt: force
	$(call write_if_changed,$(shell git describe --always --dirty=-dirty --abbrev=12 2>/dev/null || echo unknown))
build/version.o: build/version.txt
	@printf 'extern const char* const train_gpt_version;\nconst char* const train_gpt_version = "%s";\n' "$$(cat $<)" | $(CXX) -x c++ -c - -o $@

-include $(wildcard build/*/*.d)

# One suite of the tests alone, for a fast loop: make suite NAME=tokenizer && build/suite_tokenizer
suite:
	@mkdir -p build
	@printf '#include "dev/test/test_$(NAME).hpp"\nint main(int c, char** v) { return run_tests(c, v, {$(NAME)_tests()}); }\n' > build/suite_$(NAME).cpp
	$(CXX) $(ALL_CXX) build/suite_$(NAME).cpp -o build/suite_$(NAME) $(LIBS)
