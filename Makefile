# train_gpt: `make help` lists the targets.
#
# train_gpt.cu with the headers is the program, and text_chapters.cpp the half of it that two cores build beside it. g++ compiles both for
# the CPU, nvcc (make cuda) train_gpt.cu for both devices. Object files live apart (build/cpu, build/cuda; with SAN=1 build/san), and
# ./train_gpt is a link to the one built last.
CXX      ?= g++
# an nvcc that is not on the PATH is looked for where NVIDIA's packages put it; NVCC= (empty) builds for the CPU
ifeq ($(origin NVCC),undefined)
NVCC     := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
endif
CXXFLAGS ?= -O2
# the kernels are where the time goes
KERNEL_O := $(if $(SAN),,-O3)

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
# What `make` builds. There is no CUDA kernel yet, so nvcc would add nothing; CUDA=1 (or make cuda) compiles through it.
DEFAULT  := $(if $(and $(CUDA),$(NVCC)),$(if $(SAN),cpu,cuda),cpu)
# the binary under test, where the end-to-end tests find it
TESTED   := $(if $(SAN),$(CPU_DIR)/train_gpt,./train_gpt)
# Sanitizer runs: leaks are reported only where they are ours. detect_odr_violation=0: oneDNN defines a name twice.
SAN_ENV  := $(if $(SAN),ASAN_OPTIONS=detect_odr_violation=0 LSAN_OPTIONS=suppressions=dev/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1)
# two compilations at a time unless the caller said how many
JOBS     := $(if $(findstring -j,$(MAKEFLAGS)),,-j2)

.PHONY: all cpu cuda setup test demo bench check docs clean help suite force
all: $(DEFAULT)                 ## build ./train_gpt (the default): for the CPU; with CUDA=1 and nvcc for both devices

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
	@echo '  CUDA=1          compile through nvcc;  CXX=, CXXFLAGS=-O1: another compiler, other flags'

# ---- one translation unit each; -MMD notes which headers it read

# rewritten only when the content changes, so that what depends on it is rebuilt only then
# $(1): the text
define write_if_changed
@mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef

$(CPU_DIR)/flags: force
	$(call write_if_changed,$(CXX) $(ALL_CXX) $(LIBS))
# the kernels, once for each storage type: program, tests and the CUDA build share them
KERNELS  := $(CPU_DIR)/kernels_fp32.o $(CPU_DIR)/kernels_bf16.o
EXTERN   := -DTRAIN_GPT_EXTERN_KERNELS
$(CPU_DIR)/kernels_fp32.o: kernels/instances.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(KERNEL_O) -DKERNELS_FP32 -MMD -MP -c $< -o $@
$(CPU_DIR)/kernels_bf16.o: kernels/instances.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(KERNEL_O) -DKERNELS_BF16 -MMD -MP -c $< -o $@
$(CPU_DIR)/text_chapters.o: text_chapters.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) -MMD -MP -c $< -o $@
$(CPU_DIR)/train_gpt.o: train_gpt.cu $(CPU_DIR)/flags | build/version.hpp
	$(CXX) $(ALL_CXX) $(EXTERN) -include build/version.hpp -MMD -MP -c -x c++ $< -o $@
$(CPU_DIR)/train_gpt: $(CPU_DIR)/train_gpt.o $(CPU_DIR)/text_chapters.o $(KERNELS) build/version.o
	$(CXX) $(ALL_CXX) $^ -o $@ $(LIBS)

# the tests: a suite each, so that an edit recompiles one of them
SUITES   := tokenizer dataloader tokenize world kernels_a kernels_b checkpoint model reference program
$(CPU_DIR)/suite_%.o: dev/test/test_%.hpp $(CPU_DIR)/flags
	printf '#include "$<"\nSuite $*_suite() { return $*_tests(); }\n' | $(CXX) $(ALL_CXX) $(EXTERN) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -x c++ - -o $@
$(CPU_DIR)/test_gpt.o: test_gpt.cu $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) -MMD -MP -c -x c++ $< -o $@
$(CPU_DIR)/test_gpt: $(CPU_DIR)/test_gpt.o $(SUITES:%=$(CPU_DIR)/suite_%.o) $(KERNELS)
	$(CXX) $(ALL_CXX) $^ -o $@ $(LIBS)

# CUDA: Ampere, Hopper and (where the toolkit knows it) Blackwell; newer GPUs compile the PTX of the last one.
comma    := ,
empty    :=
SM       = $(filter 80 90 100,$(patsubst sm_%,%,$(shell $(NVCC) --list-gpu-code)))
GENCODE  = $(foreach s,$(SM),-gencode arch=compute_$(s)$(comma)code=sm_$(s)) \
           -gencode arch=compute_$(lastword $(SM))$(comma)code=compute_$(lastword $(SM))
HOST     = $(subst $(empty) $(empty),$(comma),$(strip $(MATH) $(WARN) -fopenmp))
# nvcc 13's front end dies on the C++ header of oneDNN 2.x in C++20 mode (a destructor call on an unnamed struct), so this build
# multiplies with our own products; and it calls GCC's unroll pragma unknown (1675).
ALL_NVCC = -std=c++20 $(CXXFLAGS) -I. $(CPPFLAGS) -DTRAIN_GPT_NO_ONEDNN -ccbin $(CXX) -Xcompiler $(HOST) -Werror all-warnings \
           -diag-suppress 1675 $(GENCODE) --threads 0
$(CUDA_DIR)/flags: force
	$(call write_if_changed,$(NVCC) $(ALL_NVCC) $(LIBS))
$(CUDA_DIR)/train_gpt.o: train_gpt.cu $(CUDA_DIR)/flags | build/version.hpp
	$(if $(NVCC),,$(error nvcc is not found: set NVCC=/path/to/nvcc, or build for the CPU with make cpu))
	$(NVCC) $(ALL_NVCC) $(EXTERN) -include build/version.hpp -MMD -MP -c -x cu $< -o $@
# cudart is linked statically and looks for the driver at run time: the binary starts on a machine without one
$(CUDA_DIR)/train_gpt: $(CUDA_DIR)/train_gpt.o $(CPU_DIR)/text_chapters.o $(KERNELS) build/version.o
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
suite: $(CPU_DIR)/suite_$(NAME).o $(KERNELS)
	@printf '#include "dev/test/test.hpp"\nSuite $(NAME)_suite();\nint main(int c, char** v) { return run_tests(c, v, {$(NAME)_suite()}); }\n' | \
	    $(CXX) $(ALL_CXX) -x c++ - -x none $^ -o build/suite_$(NAME) $(LIBS)
