# Flows relayed in the kernel: the program, its loader, and what each flow has there.
noinst_LIBRARIES += src/fastpath/libnc-fastpath.a
src_fastpath_libnc_fastpath_a_CFLAGS = $(AM_CFLAGS) $(BPF_CFLAGS) $(MNL_CFLAGS)
src_fastpath_libnc_fastpath_a_SOURCES = \
	src/fastpath/abi.h \
	src/fastpath/counts.c src/fastpath/counts.h \
	src/fastpath/device.c src/fastpath/device.h \
	src/fastpath/eligible.c src/fastpath/eligible.h \
	src/fastpath/fast.c src/fastpath/fast.h \
	src/fastpath/fast_image.c src/fastpath/fast_image.h \
	src/fastpath/fast_place.c src/fastpath/fast_place.h \
	src/fastpath/filters.c src/fastpath/filters.h \
	src/fastpath/hook.h \
	src/fastpath/hop.c src/fastpath/hop.h \
	src/fastpath/program.h \
	src/fastpath/weigh.c src/fastpath/weigh.h \
	src/fastpath/wire.c src/fastpath/wire.h
if HAVE_BPF
src_fastpath_libnc_fastpath_a_SOURCES += src/fastpath/hook.c src/fastpath/program.c
nodist_src_fastpath_libnc_fastpath_a_SOURCES = src/fastpath/object.c
CLEANFILES += src/fastpath/fast.bpf.o src/fastpath/object.c
else
src_fastpath_libnc_fastpath_a_SOURCES += src/fastpath/hook_none.c src/fastpath/program_none.c
endif
EXTRA_DIST += src/fastpath/fast.bpf.c src/fastpath/packet.bpf.h src/fastpath/hook.c src/fastpath/hook_none.c \
	src/fastpath/program.c src/fastpath/program_none.c
NC_FASTPATH_LIBS = src/fastpath/libnc-fastpath.a $(NC_SETUP_LIBS) $(BPF_LIBS) $(MNL_LIBS)

# The kernel reads the types (-g) of maps. Its compiler knows none of our flags, and has -O2 always:
# the verifier takes no other code.
src/fastpath/fast.bpf.o: $(srcdir)/src/fastpath/fast.bpf.c $(srcdir)/src/fastpath/packet.bpf.h \
	$(srcdir)/src/fastpath/abi.h
	$(AM_V_GEN)$(MKDIR_P) src/fastpath && $(BPF_CLANG) -target bpf -O2 -g -Wall -Wextra \
		'-fdebug-prefix-map=$(abs_srcdir)=.' $(BPF_CPPFLAGS) $(BPF_CFLAGS) -I$(srcdir) \
		-c $(srcdir)/src/fastpath/fast.bpf.c -o $@

src/fastpath/object.c: src/fastpath/fast.bpf.o
	$(AM_V_GEN){ echo '/* object.c - fast.bpf.o as bytes. */'; echo '#include <stddef.h>'; \
	echo 'extern const unsigned char fast_object[]; extern const size_t fast_object_bytes;'; \
	echo 'const unsigned char fast_object[] __attribute__((aligned(8))) = {'; \
	od -An -v -tx1 src/fastpath/fast.bpf.o | sed 's/ \(..\)/0x\1,/g'; echo '};'; \
	echo 'const size_t fast_object_bytes = sizeof(fast_object);'; } >$@.new && mv $@.new $@
