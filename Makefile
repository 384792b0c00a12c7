# wsiflow: one non-recursive Makefile.  `make help` lists the targets.
#
# Every .c of a room is part of the program; a new file needs no line here.
# Objects live in build/<CONFIG>/ (release, debug, asan); build/<CONFIG>/flags holds the compiler and its flags, and another value rebuilds them.
# Sources of flows/ are compiled a second time with `real` = double for the
# numerical tests (gradients, inverses, log-determinants): build/<CONFIG>/double/.

CONFIG  ?= release
PREFIX  ?= /usr/local
ZSHDIR  ?= share/zsh/site-functions
# Where DejaVuSans.ttf and DejaVuSans-Bold.ttf are: overviews are written in them.
FONTDIR ?= /usr/share/fonts/truetype/dejavu
B       := build/$(CONFIG)
ifeq ($(filter release debug asan,$(CONFIG)),)
$(error CONFIG=$(CONFIG) is unknown; it may be release, debug or asan)
endif
VERSION := $(shell cat VERSION)

ROOMS   := base tiler annotations flows db web pipeline
PKGS    := glib-2.0 gthread-2.0 openslide libtiff-4 libjpeg libpng zlib libdeflate lcms2 \
           libarchive hdf5 libxml-2.0 jansson sqlite3 yaml-0.1 libmicrohttpd \
           cairo pangocairo pangoft2 fontconfig
EXISTING := $(shell for p in $(PKGS); do pkg-config --exists $$p 2>/dev/null && echo $$p; done)

# clang calls a variable unused that only its cleanup function uses.
WCLANG  := $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),-Wno-unused-variable)
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wundef -Wvla -Wformat=2 -Wno-unused-parameter -Werror=implicit-function-declaration $(if $(DEVELOPER),-Werror) $(WCLANG)
BASEFL  := -std=c17 -D_GNU_SOURCE -I. $(shell pkg-config --cflags $(EXISTING) 2>/dev/null) \
           -DWSIFLOW_VERSION='"$(VERSION)"' -MMD -MP -fno-strict-aliasing -ffp-contract=off
# The highest level of checked libc calls that compiler and libc know: a higher one is a warning.
FORTIFY := $(shell for n in 3 2; do printf '\043include <features.h>\n' | \
             $(CC) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$$n -Werror -E - >/dev/null 2>&1 && echo $$n && break; done)
release_FL := -O2 -g -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY) -fPIE
# Addresses of library functions are looked up at the start and the table is then read-only.
release_LD := -pie -Wl,-z,relro,-z,now
debug_FL   := -O0 -g
asan_FL    := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
asan_LD    := -fsanitize=address,undefined
ALLFL   := $(BASEFL) $(WARN) $($(CONFIG)_FL) $(CFLAGS)

# oneDNN is optional: without it the reference kernels and OpenBLAS serve, slower.
# Its version is among the flags, so that another version rebuilds the objects.
HAVE_DNNL := $(shell printf '\043include <dnnl.h>\n\043include <dnnl_version.h>\nDNNL_VERSION_MAJOR DNNL_VERSION_MINOR\n' | \
               $(CC) -E -P - 2>/dev/null | sed -n 's/^\([0-9]*\)  *\([0-9]*\)$$/\1\2/p')
ifneq ($(and $(HAVE_DNNL),$(if $(NO_DNNL),,1)),)
ALLFL   += -DHAVE_DNNL=$(HAVE_DNNL)
LIBDNNL := -ldnnl -lgomp
endif
LIBS    := $(shell pkg-config --libs $(EXISTING) 2>/dev/null) $(LIBDNNL) -lopenblas -llapacke -lpthread -lm
# A folder with blanks or quotes is one word of the shell.
quote    = '$(subst ','\'',$(1))'
# -Werror changes no object.
FLAGS    = $(CC) $(filter-out -Werror,$(ALLFL)) $(FLOWSFL) $(FONTFL) $($(CONFIG)_LD) $(LDFLAGS) $(LIBS)
# The arithmetic of flows/ may reorder sums: vectorised, and the same on every run of one binary.
FLOWSFL := -O3 -fno-math-errno -fno-trapping-math

FONTFL  := -DWSIFLOW_FONTS='"$(FONTDIR)"'

SRC     := $(wildcard $(ROOMS:=/*.c) $(ROOMS:=/*/*.c))
OBJ     := $(SRC:%.c=$(B)/%.o)
MAINOBJ := $(B)/pipeline/cli/main.o
LIBOBJ  := $(filter-out $(MAINOBJ),$(OBJ))
DBLSRC  := $(wildcard base/*.c flows/*/*.c)
DBLOBJ  := $(DBLSRC:%.c=$(B)/double/%.o)

TESTS   := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/*/test_*.c))
DTESTS  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/*/testd_*.c))
SCRIPTS := $(wildcard tests/*/test_*.sh)
BENCHES := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/*/bench_*.c))
# Budgets of processor time are those of an optimised program with oneDNN.
BUDGETS := $(if $(filter-out release,$(CONFIG)),off: CONFIG=$(CONFIG),$(if $(LIBDNNL),1,off: no oneDNN))
RUNTESTS = WSIFLOW=$(call quote,$(CURDIR)/$(B)/wsiflow) WSIFLOW_TEST_BUDGET="$${WSIFLOW_TEST_BUDGET:-$(BUDGETS)}" tools/run-tests

.PHONY: all check check-long check-release deb lint lint-circles check-asan bench format install uninstall clean help demo setup
.DELETE_ON_ERROR:
.SECONDARY:

all: setup ## build the program: build/<CONFIG>/wsiflow
	@$(MAKE) --no-print-directory $(B)/wsiflow

setup: ## install what is missing of Debian's packages
	@tools/setup --build

# Written only when it differs, so that the same flags rebuild nothing.
$(B)/flags: always
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(FLAGS)) | cmp -s - $@ || printf '%s\n' $(call quote,$(FLAGS)) >$@
.PHONY: always

$(B)/wsiflow: $(OBJ)
	$(CC) $($(CONFIG)_LD) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libwsiflow.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/libflows_double.a: $(DBLOBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/double/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALLFL) $(FLOWSFL) -DREAL_IS_DOUBLE=1 -c -o $@ $<

$(B)/flows/%.o: flows/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALLFL) $(if $(filter release,$(CONFIG)),$(FLOWSFL)) -c -o $@ $<

# The files that the assembler puts into the program (.incbin), of which the compiler knows nothing.
$(B)/pipeline/view/page_files.o: $(wildcard pipeline/view/page/*)
$(B)/pipeline/scoring/qupath_script.o: $(wildcard pipeline/scoring/qupath/*)

$(B)/tiler/draw/%.o: tiler/draw/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALLFL) $(FONTFL) -c -o $@ $<

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALLFL) -c -o $@ $<

$(B)/tests/double/%: tests/double/%.c $(B)/libflows_double.a
	@mkdir -p $(@D)
	$(CC) $(ALLFL) -DREAL_IS_DOUBLE=1 $($(CONFIG)_LD) -o $@ $< $(B)/libflows_double.a $(LIBS)

$(B)/tests/%: tests/%.c $(B)/libwsiflow.a
	@mkdir -p $(@D)
	$(CC) $(ALLFL) $($(CONFIG)_LD) -o $@ $< $(B)/libwsiflow.a $(LIBS)

check: setup ## run all tests (set WSIFLOW_TEST_DATA for those that need real slides)
	@tools/setup --check
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/wsiflow $(TESTS) $(DTESTS)
	@$(RUNTESTS) --check $(TESTS) $(DTESTS) $(SCRIPTS)

check-long: setup ## run the tests that tests/budgets keeps out of check
	@tools/setup --check
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/wsiflow $(TESTS) $(DTESTS)
	@$(RUNTESTS) --long $(TESTS) $(DTESTS) $(SCRIPTS)

check-asan: setup ## run the tests with the address and undefined-behaviour sanitizers: the programs, and requests of any kind
	@tools/setup --check
	@$(MAKE) --no-print-directory -j$$(nproc) CONFIG=asan asan-check
.PHONY: asan-check
asan-check: $(B)/wsiflow $(TESTS) $(DTESTS)
	@WSIFLOW=$(call quote,$(CURDIR)/$(B)/wsiflow) WSIFLOW_ASAN=1 ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0:allocator_may_return_null=1 \
	  UBSAN_OPTIONS=print_stacktrace=1 tools/run-tests $(TESTS) $(DTESTS) tests/view/test_view_requests.sh

check-release: ## make demo and make check on a clean system: RELEASE=bookworm, trixie or forky; with PACKAGE=1 make deb, its installation and the demo
	@tools/check-release "$(RELEASE)" $(if $(PACKAGE),package)

lint: setup ## check the dependency table, circles, the format and common mistakes
	@tools/setup --lint
	@$(MAKE) --no-print-directory -j$$(nproc) CONFIG=release build/release/wsiflow
	@tools/lint

lint-circles: setup ## list all circles of files, headers and folders, not only the first of each
	@$(MAKE) --no-print-directory -j$$(nproc) CONFIG=release build/release/wsiflow
	@tools/lint-circles --all

bench: setup ## measure: `bench NAME VALUE UNIT` lines; one with BENCH=NAME
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/wsiflow $(BENCHES)
	@tools/bench $(B) $(BENCH)

format: ## reformat all C sources in place
	clang-format -i $(wildcard $(ROOMS:=/*.[ch]) $(ROOMS:=/*/*.[ch]) tests/*.[ch] tests/*/*.[ch])

deb: ## build the Debian package: build/deb/wsiflow_VERSION_ARCH.deb
	@tools/deb

demo: ## synthetic cohort in, data set, model, heatmaps and report out
	@tools/demo

quoted = $(call quote,$(DESTDIR)$(PREFIX))

install: all ## install program, man page, changes, completions, configurations and demo (PREFIX, DESTDIR)
	install -D -m 755 $(B)/wsiflow $(quoted)/bin/wsiflow
	install -D -m 644 docs/wsiflow.1 $(quoted)/share/man/man1/wsiflow.1
	install -d $(quoted)/share/wsiflow/configs
	install -m 644 configs/*.yaml configs/*.csv $(quoted)/share/wsiflow/configs/
	install -m 755 tools/demo $(quoted)/share/wsiflow/demo
	install -D -m 644 CHANGELOG.md $(quoted)/share/doc/wsiflow/CHANGELOG.md
	install -D -m 644 tools/completions/wsiflow.bash $(quoted)/share/bash-completion/completions/wsiflow
	install -D -m 644 tools/completions/_wsiflow $(quoted)/$(ZSHDIR)/_wsiflow

uninstall: ## remove what install wrote
	rm -f $(quoted)/bin/wsiflow $(quoted)/share/man/man1/wsiflow.1
	rm -rf $(quoted)/share/wsiflow $(quoted)/share/doc/wsiflow
	rm -f $(quoted)/share/bash-completion/completions/wsiflow $(quoted)/$(ZSHDIR)/_wsiflow

clean: ## remove build/
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | sort | expand -t 14

-include $(OBJ:.o=.d) $(DBLOBJ:.o=.d) $(TESTS:=.d) $(DTESTS:=.d) $(BENCHES:=.d)
