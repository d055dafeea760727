# From the text of a rule to flows.
noinst_LIBRARIES += src/rules/libnc-rules.a
src_rules_libnc_rules_a_CFLAGS = $(AM_CFLAGS)
src_rules_libnc_rules_a_SOURCES = \
	src/rules/conf.c src/rules/conf.h \
	src/rules/endpoint.c \
	src/rules/index.c src/rules/index.h \
	src/rules/keys.c src/rules/keys.h \
	src/rules/keys_merge.c \
	src/rules/keys_output.c \
	src/rules/keys_text.c \
	src/rules/keys_value.c \
	src/rules/legs.c \
	src/rules/members.c src/rules/members.h \
	src/rules/name.c \
	src/rules/parse.c src/rules/parse.h \
	src/rules/partition.c src/rules/partition.h \
	src/rules/rename.c \
	src/rules/spread.c \
	src/rules/twins.c
NC_RULES_LIBS = src/rules/libnc-rules.a $(NC_SHARD_LIBS)
