# train_gpt: `make help` lists the targets.
#
# train_gpt.cu with the headers is the program; text_chapters.cpp and device_chapters.cpp are parts of it that other cores build beside it. g++
# compiles them: device_chapters.cpp for each of CPU, CUDA and emulator, the rest once. nvcc compiles kernels/cuda_instances.cu, all that
# runs on a GPU, where it is found; g++ compiles that same file for the emulator (dev/emu). Object files live apart (build/cpu, build/cuda, build/emu; with SAN=1 build/san, build/san_emu), and
# ./train_gpt is a link to the program built last.
CXX      ?= g++
# an nvcc that is not on the PATH is looked for where NVIDIA's packages put it; NVCC= (empty) builds for the CPU
ifeq ($(origin NVCC),undefined)
NVCC     := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
endif
# The kernels are where a run's time goes: their loops are optimised at -O3 (OPTIMIZED in kernels/device.hpp), what is around them at -O2.
# train_gpt.cu and device_chapters.cpp only call what other objects compute (and write the world, a second of work): -Og builds them in two
# thirds of the time. The rest is as fast with -O1, and built a third sooner (LOG 2026-11-22). Whoever gives CXXFLAGS gets them.
CALLER_O := $(if $(or $(SAN),$(filter-out undefined,$(origin CXXFLAGS))),,-Og)
CXXFLAGS ?= -O1
KERNEL_O := $(if $(SAN),,-O2 -fvect-cost-model=dynamic)

# -fassociative-math and its two companions let the compiler vectorise float sums; NaN and Inf keep their meaning
# (that is why -ffast-math, which makes std::isnan(x) false, is not here). Instruction sets are chosen at run time.
MATH     := -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math
# -Wno-restrict: GCC 12 sees overlaps in std::string::insert that cannot be (GCC bug 105651)
WARN     := -Wall -Wextra -Werror -Wno-restrict
ifdef SAN
# -O1 keeps the reports readable; the emulator reads lines from DWARF 4. libgomp never frees its pool and oneDNN never its caches; see SAN_ENV.
# Under the sanitizers GCC 12 takes std::regex for uninitialised (GCC bug 105562), hence -Wno-maybe-uninitialized.
WARN     += -Wno-maybe-uninitialized
override CXXFLAGS := -O1 -g -gdwarf-4 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
ifdef NO_ONEDNN
override CPPFLAGS += -DTRAIN_GPT_NO_ONEDNN
endif
# as many compilations at a time as there are cores (at most 8), unless the caller said how many
JOBS     := $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n > 8 ? 8 : n)))
ifeq ($(findstring -j,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif
# g++ spends an eighth of its time on collecting garbage: it need not where each of these jobs can have 3 GB (it takes 2.0 instead of 1.4).
# What there is: the machine's memory, or a container's limit.
ROOMY    := $(shell cat /proc/meminfo /sys/fs/cgroup/memory.max 2>/dev/null | \
              awk '/MemTotal/ {kb = $$2} NF == 1 && $$1 + 0 > 0 && $$1 / 1024 < kb {kb = $$1 / 1024} END {if (kb > 3000000 * $(JOBS)) print "yes"}')
GARBAGE  := $(if $(ROOMY),$(if $(findstring clang,$(CXX)),,--param ggc-min-heapsize=2000000))
ALL_CXX  := -std=c++20 $(CXXFLAGS) $(GARBAGE) $(MATH) $(WARN) -fopenmp -I. $(CPPFLAGS)
# The optional libraries: the same question that kernels/matmul.hpp (oneDNN; without it our own matrix products run) and
# text_inputs.hpp (zlib, zstd: compressed text) ask. %: is C's other spelling of the hash, which make would take for a comment.
# $(1): a header, $(2): its library
library  = $(shell printf '%%:if !__has_include(<$(1)>)\n%%:error\n%%:endif\n' | $(CXX) $(CPPFLAGS) -x c++ -E - >/dev/null 2>&1 && echo $(2))
LIBS     := -lpthread $(if $(NO_ONEDNN),,$(call library,oneapi/dnnl/dnnl.hpp,-ldnnl)) $(call library,zlib.h,-lz) $(call library,zstd.h,-lzstd)

CPU_DIR  := build/$(if $(SAN),san,$(if $(NO_ONEDNN),plain,cpu))
CUDA_DIR := build/cuda
EMU_DIR  := build/$(if $(SAN),san_emu,$(if $(NO_ONEDNN),plain_emu,emu))
EMU_TESTS := $(EMU_DIR)/test_kernels $(EMU_DIR)/test_model
# What `make` builds: for both devices where nvcc is found (the sanitizers know nothing of CUDA)
DEFAULT  := $(if $(and $(NVCC),$(if $(SAN),,yes)),cuda,cpu)
# the binary under test, where the end-to-end tests find it
TESTED   := $(if $(SAN),$(CPU_DIR)/train_gpt,./train_gpt)
# Sanitizer runs: leaks are reported only where they are ours. detect_odr_violation=0: oneDNN defines a name twice.
SAN_ENV  := $(if $(SAN),ASAN_OPTIONS=detect_odr_violation=0 LSAN_OPTIONS=suppressions=dev/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1)

.PHONY: all cpu cuda setup test demo bench check ptxas docs clean help suite force fuzz nightly
all: $(DEFAULT)                 ## build ./train_gpt (the default): for CPU and CUDA where nvcc is found, else for the CPU

cpu: $(CPU_DIR)/train_gpt       ## build ./train_gpt for the CPU alone, with g++
	$(if $(SAN),,@ln -f $< train_gpt)
cuda: $(CUDA_DIR)/train_gpt     ## build ./train_gpt for CPU and CUDA, with nvcc
	@ln -f $< train_gpt

setup:                          ## install the Debian/Ubuntu packages that are missing, or print the command that does
	@CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/setup.sh

test:                           ## set up what is missing, build, run all tests; the last line counts them
	@CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/setup.sh --needed
	@$(MAKE) --no-print-directory $(DEFAULT) $(CPU_DIR)/test_gpt $(EMU_TESTS) $(EMU_DIR)/train_gpt
	@$(if $(SAN),,ln -f $(CPU_DIR)/test_gpt test_gpt)
	@$(SAN_ENV) TRAIN_GPT=$(TESTED) TRAIN_GPT_EMULATED=$(EMU_DIR)/train_gpt dev/run_tests.sh $(CPU_DIR)/test_gpt $(EMU_TESTS)

demo:                           ## 10 minutes on two cores: data, tokenizer, pretraining, samples, the loss curve
	@CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/setup.sh --needed
	@$(MAKE) --no-print-directory $(DEFAULT)
	@scripts/demo.sh

bench: $(DEFAULT)               ## time every operation, a training step and generation against this machine's limits
	./train_gpt bench all

check:                          ## what a compiler can't see: headers stand alone, flags in the docs exist, sizes, shellcheck
	@dev/check.sh

fuzz:                           ## a minute of libFuzzer on each reader of files and on the encoder (needs clang); FUZZ_SECONDS=600 for longer
	@dev/fuzz/run.sh $(or $(FUZZ_SECONDS),60)

nightly: test                   ## what takes hours: a million random texts, ten minutes of libFuzzer on each reader, the kernels in 21 orders
	TRAIN_GPT_FUZZ_TEXTS=1000000 ./test_gpt "random texts have the ids"
	@dev/fuzz/run.sh 600
	@dev/schedules.sh 10

ptxas:                          ## registers, spills and occupancy of every CUDA kernel, without a GPU; fails on spills in hot ones
	@dev/ptxas_report.sh

include dev/data/data.mk
# data:                           ## build dev/data/webtext: web archives to clean, deduplicated text; make test_data tests it

docs: $(DEFAULT)                ## write the flag tables of the program into README.md
	@./train_gpt help --markdown > build/flags.md
	@sed -i -e '/<!-- flags:begin -->/,/<!-- flags:end -->/{/<!-- flags:/!d}' -e '/<!-- flags:begin -->/r build/flags.md' README.md

clean:                          ## remove what was built; data and runs under out/ stay
	rm -rf build train_gpt test_gpt

help:                           ## this list
	@sed -nE 's/^#? ?([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo '  SAN=1           build with the address and undefined-behaviour sanitizers: make SAN=1 test'
	@echo '  NO_ONEDNN=1     with our own matrix products only, in build/plain: make NO_ONEDNN=1 test'
	@echo '  NVCC=           no CUDA though nvcc is there;  CXX=, CXXFLAGS=-O2: another compiler, other flags'

# ---- one translation unit each; -MMD notes which headers it read

# rewritten only when the content changes, so that what depends on it is rebuilt only then
# $(1): the text
define write_if_changed
@mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef

$(CPU_DIR)/flags: force
	$(call write_if_changed,$(CXX) $(ALL_CXX) $(KERNEL_O) $(CALLER_O) $(LIBS))
# The linker keeps the first copy of a function that several objects have: in every program the objects that were optimised the most come first.
PROGRAM  := $(CPU_DIR)/text_chapters.o $(CPU_DIR)/train_gpt.o
# the kernels, once for each storage type, the templates of the libraries, and the version: program, tests and the CUDA build share them
SHARED   := $(CPU_DIR)/kernels_bf16.o $(CPU_DIR)/kernels_fp32.o $(CPU_DIR)/libraries.o build/version.o
EXTERN   := -DTRAIN_GPT_EXTERN_KERNELS -DTRAIN_GPT_EXTERN_LIBRARIES
$(CPU_DIR)/kernels_fp32.o: kernels/instances.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(KERNEL_O) -DKERNELS_FP32 -MMD -MP -c $< -o $@
$(CPU_DIR)/kernels_bf16.o: kernels/instances.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(KERNEL_O) -DKERNELS_BF16 -MMD -MP -c $< -o $@
$(CPU_DIR)/text_chapters.o $(CPU_DIR)/libraries.o: $(CPU_DIR)/%.o: %.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(EXTERN) -MMD -MP -c $< -o $@
$(CPU_DIR)/device_chapters.o: device_chapters.cpp $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(EXTERN) $(CALLER_O) -MMD -MP -c $< -o $@
$(CPU_DIR)/train_gpt.o: train_gpt.cu $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) $(EXTERN) $(CALLER_O) -MMD -MP -c -x c++ $< -o $@
# made in this order, the longest compilation first; linked in the order above
$(CPU_DIR)/train_gpt: $(CPU_DIR)/train_gpt.o $(CPU_DIR)/text_chapters.o $(CPU_DIR)/device_chapters.o $(SHARED)
	$(CXX) $(ALL_CXX) $(SHARED) $(PROGRAM) $(CPU_DIR)/device_chapters.o -o $@ $(LIBS)

# the tests: a suite each, so that an edit recompiles one of them. $(1): its name, $(2): the compiler with its flags
compile_suite = printf '%s\n' '\#include "dev/test/test_$(1).hpp"' 'static const LinkedSuite suite($(1)_tests());' | \
                $(2) $(EXTERN) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -x c++ - -o $@
SUITES   := tokenizer dataloader tokenize world world_chat tools chat sft assistant arena objectives reward fp8 kernels_a kernels_b matmul amx quantized threads checkpoint model reference program ranks
$(CPU_DIR)/suite_%.o: dev/test/test_%.hpp $(CPU_DIR)/flags
	$(call compile_suite,$*,$(CXX) $(ALL_CXX))
$(CPU_DIR)/test_gpt.o: test_gpt.cu $(CPU_DIR)/flags
	$(CXX) $(ALL_CXX) -MMD -MP -c -x c++ $< -o $@
$(CPU_DIR)/test_gpt: $(SHARED) $(CPU_DIR)/test_gpt.o $(SUITES:%=$(CPU_DIR)/suite_%.o)
	$(CXX) $(ALL_CXX) $^ -o $@ $(LIBS)

# CUDA: Ampere, Hopper and (where the toolkit knows it) Blackwell; newer GPUs compile the PTX of the last one. 90a: Hopper with its products of
# warpgroups (kernels/warpgroup.hpp), which no other GPU has.
comma    := ,
empty    :=
SM       = $(filter 80 90 100,$(patsubst sm_%,%,$(shell $(NVCC) --list-gpu-code)))
GENCODE  = $(foreach s,$(SM:90=90a),-gencode arch=compute_$(s)$(comma)code=sm_$(s)) \
           -gencode arch=compute_$(lastword $(SM))$(comma)code=compute_$(lastword $(SM))
CUDA_TOP = $(abspath $(dir $(NVCC))..)
CUDA_LIB = $(firstword $(wildcard $(CUDA_TOP)/lib64 $(CUDA_TOP)/targets/*/lib $(CUDA_TOP)/lib))
NCCL     = $(if $(wildcard $(CUDA_TOP)/include/nccl.h /usr/include/nccl.h),-lnccl)
HOST     = $(subst $(empty) $(empty),$(comma),$(strip $(MATH) $(WARN) -fopenmp))
# 1675: nvcc calls GCC's unroll pragma unknown
ALL_NVCC = -std=c++20 -O3 -I. $(CPPFLAGS) -DTRAIN_GPT_CUDA -ccbin $(CXX) -Xcompiler $(HOST) -Werror all-warnings -diag-suppress 1675 -lineinfo \
           $(GENCODE) --threads 0
ALL_HOST = $(ALL_CXX) -DTRAIN_GPT_CUDA -isystem $(CUDA_TOP)/include
$(CUDA_DIR)/flags: force
	$(call write_if_changed,$(NVCC) $(ALL_NVCC) $(CXX) $(ALL_HOST) $(CALLER_O) $(LIBS))
$(CUDA_DIR)/cuda_instances.o: kernels/cuda_instances.cu $(CUDA_DIR)/flags
	$(if $(NVCC),,$(error nvcc is not found: set NVCC=/path/to/nvcc, or build for the CPU with make cpu))
	$(NVCC) $(ALL_NVCC) -MMD -MP -c $< -o $@
$(CUDA_DIR)/device_chapters.o: device_chapters.cpp $(CUDA_DIR)/flags
	$(CXX) $(ALL_HOST) $(EXTERN) $(CALLER_O) -MMD -MP -c $< -o $@
# cudart is linked statically and looks for the driver at run time: the binary starts on a machine without one
$(CUDA_DIR)/train_gpt: $(SHARED) $(CUDA_DIR)/cuda_instances.o $(PROGRAM) $(CUDA_DIR)/device_chapters.o
	$(NVCC) -ccbin $(CXX) --cudart static -Xcompiler -fopenmp $^ -o $@ -L$(CUDA_LIB) -Xlinker -rpath,$(CUDA_LIB) -lcublasLt $(NCCL) $(LIBS)

# The emulator: the same kernels, compiled by g++, with dev/emu in the place of the CUDA toolkit, which this needs nothing of.
# -Wno-unknown-pragmas: #pragma unroll is for nvcc. The kernel suites carry the emulator's race detector: -fsanitize=thread makes g++ report
# every access, and dev/emu/shadow.hpp, not libtsan, takes the reports (so it is not a link flag); debug lines so that they name the place.
EMULATOR := $(ALL_CXX) -Wno-unknown-pragmas -Idev/emu/include -DTRAIN_GPT_CUDA -DTRAIN_GPT_EMULATOR
EMU_O    := $(if $(SAN),,-O2)
DETECTOR := $(if $(SAN),,-fsanitize=thread -g1 -gdwarf-4)
EMU_RUN  := $(EMU_DIR)/runtime.o $(EMU_DIR)/cublaslt.o $(EMU_DIR)/nccl.o
EMU_KERNEL_SUITES := emulator cuda_kernels cuda_warpgroup cuda_attention cuda_fp8
EMU_MODEL_SUITES := cuda_model cuda_matmul
$(EMU_DIR)/flags: force
	$(call write_if_changed,$(CXX) $(EMULATOR) $(EMU_O) $(CALLER_O) $(DETECTOR) $(LIBS))
$(EMU_DIR)/cuda_instances.o: kernels/cuda_instances.cu $(EMU_DIR)/flags
	$(CXX) $(EMULATOR) $(EMU_O) -MMD -MP -c -x c++ $< -o $@
$(EMU_RUN): $(EMU_DIR)/%.o: dev/emu/%.cpp $(EMU_DIR)/flags
	$(CXX) $(EMULATOR) $(EMU_O) -MMD -MP -c $< -o $@
$(EMU_KERNEL_SUITES:%=$(EMU_DIR)/suite_%.o): $(EMU_DIR)/suite_%.o: dev/test/test_%.hpp $(EMU_DIR)/flags
	$(call compile_suite,$*,$(CXX) $(EMULATOR) $(EMU_O) $(DETECTOR) $(if $(filter cuda_kernels,$*),-DCUDA_INSTANCES))
$(EMU_MODEL_SUITES:%=$(EMU_DIR)/suite_%.o): $(EMU_DIR)/suite_%.o: dev/test/test_%.hpp $(EMU_DIR)/flags
	$(call compile_suite,$*,$(CXX) $(EMULATOR))
$(EMU_DIR)/test_kernels: $(CPU_DIR)/test_gpt.o $(EMU_KERNEL_SUITES:%=$(EMU_DIR)/suite_%.o) $(EMU_DIR)/runtime.o $(SHARED)
	$(CXX) $(EMULATOR) $^ -o $@ $(LIBS)
$(EMU_DIR)/test_model: $(CPU_DIR)/test_gpt.o $(EMU_MODEL_SUITES:%=$(EMU_DIR)/suite_%.o) $(EMU_DIR)/cuda_instances.o $(EMU_RUN) $(SHARED)
	$(CXX) $(EMULATOR) $^ -o $@ $(LIBS)
# the whole program with the emulated GPU: build/emu/train_gpt pretrain --device cuda ...
$(EMU_DIR)/device_chapters.o: device_chapters.cpp $(EMU_DIR)/flags
	$(CXX) $(EMULATOR) $(EXTERN) $(CALLER_O) -MMD -MP -c $< -o $@
$(EMU_DIR)/train_gpt: $(SHARED) $(EMU_DIR)/cuda_instances.o $(EMU_RUN) $(PROGRAM) $(EMU_DIR)/device_chapters.o
	$(CXX) $(EMULATOR) $^ -o $@ $(LIBS)

# The version is an object of its own: a commit recompiles one line, not the program.
build/version.txt: force
	$(call write_if_changed,$(shell git describe --always --dirty=-dirty --abbrev=12 2>/dev/null || echo unknown))
build/version.o: build/version.txt
	@printf 'extern const char* const train_gpt_version;\nconst char* const train_gpt_version = "%s";\n' "$$(cat $<)" | $(CXX) -x c++ -c - -o $@

-include $(wildcard build/*/*.d)

# One suite of the tests alone, for a fast loop: make suite NAME=tokenizer && build/suite_tokenizer
suite: $(SHARED) $(CPU_DIR)/test_gpt.o $(CPU_DIR)/suite_$(NAME).o
	$(CXX) $(ALL_CXX) $^ -o build/suite_$(NAME) $(LIBS)
