#!/bin/sh
# make-page.sh DIR: page.html of DIR with page.css and page.js in it, as a C file on standard
# output, and the policy that lets a browser run that script and use that style, and no other.
set -eu
dir=$1

# hash_of FILE: its SHA-256 in base 64.
hash_of() {
    sha256sum <"$1" | awk '{
        digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (i = 1; i <= 64; i++) {
            n = index("0123456789abcdef", substr($1, i, 1)) - 1
            for (bit = 8; bit >= 1; bit /= 2) {
                bits = bits int(n / bit)
                n %= bit
            }
        }
        for (i = 1; i <= length(bits); i += 6) {
            part = substr(bits "00000", i, 6)
            for (n = k = 0; k < 6; k++) {
                n = n * 2 + substr(part, k + 1, 1)
            }
            out = out substr(digits, n + 1, 1)
        }
        print out "="
    }'
}

# page: the whole, with exactly the bytes of the two others where they are named.
page() {
    while IFS= read -r line; do
        case $line in
        *@page.css@*) put "$line" page.css ;;
        *@page.js@*) put "$line" page.js ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$dir/page.html"
}

# put LINE FILE: the line with the file in the place of its name.
put() {
    printf '%s' "${1%%@*}"
    cat "$dir/$2"
    printf '%s\n' "${1##*@}"
}

if grep -qiE '</(script|style)' "$dir/page.js" "$dir/page.css"; then
    echo "make-page.sh: page.js or page.css would end its element" >&2
    exit 1
fi
cat <<END
/* Made by make-page.sh: the page, and what a browser lets it do. */
#include "src/web/page.h"

const char page_policy[] = "default-src 'none'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'; connect-src 'self'; img-src data:; "
	"script-src 'sha256-$(hash_of "$dir/page.js")'; "
	"style-src 'sha256-$(hash_of "$dir/page.css")'";

const unsigned char page_bytes[] = {
$(page | od -An -v -tx1 | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g')
};

const size_t page_len = sizeof(page_bytes);
END
