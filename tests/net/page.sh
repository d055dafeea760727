#!/bin/bash
# shellcheck disable=SC2154
# The page at --metrics, in a browser without a display: its numbers move, a loss turns up in colour
# and in words, it fits a telephone, whatever a rule is called is text, and it says when the daemon
# is gone.
# engines: uring
# builds: plain
. "$(dirname "$0")/lib/story.sh"
story "the page of a running relay"
have chromium
have python3
topo_line
url=http://127.0.0.1:8080
shots=${PAGE_SHOTS:-} # a directory for pictures, for who wants to look
hostile='<s>&"' # no such interface, but it might be called so
{
    echo "rule 239.1.1.1%in0:5000 name=one -> 239.2.2.1%out0:6000, 239.2.2.2%out0:6000"
    echo "rule 239.1.1.3%in0:5000 name=waits -> 239.2.2.4%$hostile:6000"
    echo "rule 239.1.1.5%in0:5000 + 239.1.1.6%in0:5000 seq=u64be@16,session=8@8 silent=300" \
        "name=feed -> 239.2.2.6%out0:6000"
    for ((i = 0; i < 120; i++)); do
        echo "rule 239.3.0.$i%in0:5000 name=many$i -> 239.4.0.$i%out0:6000"
    done
} >"$work/page.conf"
relay_start --config "$work/page.conf" --metrics 127.0.0.1:8080

# The browser's questions go in by one pipe and its answers come out by another.
mkfifo "$work/questions" "$work/answers"
exec 7<>"$work/questions" 8<>"$work/answers"
start_in mid python3 "$src_top/tests/net/lib/browser.py" "$work/browser" "$work/questions" \
    >"$work/answers" 2>"$work/browser.log" 7>&- 8>&-
browser=$started

# asks WORD...: a line to the browser; $answer.
asks() {
    echo "${*//$'\n'/ }" >&7
    read -r -t 120 answer <&8 || fail_now "the browser does not answer: $*"
    [[ $answer != failed:* ]] || fail "$*: $answer"
}

# sees EXPRESSION: it is true before patience ends.
sees() {
    asks until "$1"
    expect "$1" "$answer" true
}

# finds WHAT EXPRESSION VALUE: it has that value, as JSON, now.
finds() {
    asks eval "$2"
    expect "$1" "$answer" "$3"
}

# shot NAME: a picture, if anybody wants one.
shot() {
    [ -z "$shots" ] || asks shot "$shots/$1.png"
}

asks size 1280 900
asks scheme light
asks open "$url/"
sees "document.getElementById('state')?.textContent === 'relaying'"
sees "document.querySelectorAll('#picture svg rect').length > 8"
sees "document.getElementById('sum-in').textContent === '0/s'"

# Numbers move, and none of them is a loss. The sender goes on until there is no more to see.
start_in src "$probe" send --quiet --no-loop --duration 600 --rate 2000 239.1.1.1%s0:5000 \
    >"$work/send.log" 2>&1
sender=$started
sees "/k\\/s/.test(document.getElementById('sum-in').textContent)"
sees "[...document.querySelectorAll('#rules tbody tr')].some(row => /k\\/s/.test(row.innerText))"
asks eval "document.getElementById('sum-in-more').textContent"
sees "document.getElementById('sum-in-more').textContent !== $answer"
sees "document.querySelectorAll('#picture rect.b-load1, #picture rect.b-load2').length > 2"
finds "marks of loss in the picture, the legend's" \
    "document.querySelectorAll('#picture rect.b-losing').length" 1
finds "rows that lose" "document.querySelectorAll('tr.losing').length" 0
shot wide-light

# Of a feed with two legs one is silent: it stands above the other, in words and colour.
start_in src "$probe" send --quiet --no-loop --duration 600 --rate 500 239.1.1.5%s0:5000 \
    >"$work/feed.log" 2>&1
feeder=$started
sees "!document.getElementById('feeds').hidden"
sees "/feed, leg 1[^]*silent[^]*239.1.1.6%in0:5000/.test(document.querySelector('#legs tr.losing')
    ?.innerText)"
finds "legs" "document.querySelectorAll('#legs tbody tr').length" 2
sees "[...document.querySelectorAll('#legs tbody tr')].map(row =>
    row.classList.contains('losing')).join() === 'true,false'"
sees "/[0-9]\/s/.test(document.querySelector('#legs tbody tr:last-child').innerText)"
shot legs

# The wire is cut: what is lost is named, and has its colour, at the rule, the shard, the interface.
in_ns mid ip link set out0 down
sees "document.querySelectorAll('#picture rect.b-losing').length >= 3"
sees "/link_down/.test(document.querySelector('#losses tr.losing')?.innerText)"
sees "/one[^]*link_down/.test(document.querySelector('#rules tr.losing')?.innerText)"
sees "document.querySelector('#shards tr.losing')"
sees "document.querySelector('#interfaces tr.losing')"
finds "the colour of the first row" "getComputedStyle(document.querySelector('#rules tr.losing'))
    .backgroundColor" '"rgb(255, 217, 211)"'
finds "the colour of a shard" "getComputedStyle([...document.querySelectorAll('#picture
    rect.b-losing')].pop()).fill" '"rgb(255, 217, 211)"'
sees "document.querySelector('#rules tr.losing .chip').textContent === 'degraded'"
finds "losses in words" "/lost/.test(document.getElementById('picture').textContent)" true
shot wide-light-losing

# At each width and in both schemes nothing stands beyond the edge.
beyond="[...document.querySelectorAll('body *')].filter(e => !e.closest('thead, svg') &&
    e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + e.id + e.className)"
for width in 360 1280; do
    asks size $width 800
    sees "document.querySelector('#picture svg').getAttribute('width') > 1000 === $width > 1000"
    for scheme in light dark; do
        asks scheme $scheme
        sees "document.querySelector('#picture svg')?.getBoundingClientRect().width <= $width"
        finds "scrolls sideways at $width, $scheme" \
            "document.scrollingElement.scrollWidth > document.documentElement.clientWidth" false
        finds "width of the window" "innerWidth" $width
        finds "beyond the edge at $width, $scheme" "$beyond" "[]"
        finds "dark background" "getComputedStyle(document.body).backgroundColor ===
            'rgb(12, 16, 21)'" "$([ $scheme = dark ] && echo true || echo false)"
        shot "$width-$scheme"
    done
done
in_ns mid ip link set out0 up

# As many rules as one can read, those that wait say why, and a name is text.
sees "/^50 rules shown, 73 hidden/.test(document.getElementById('hidden-rules').textContent)"
asks eval "document.getElementById('more').click()"
finds "rows when asked for more" "document.querySelectorAll('#rules tbody tr').length" 100
filter() {
    asks eval "(box => { box.value = '$1'; box.dispatchEvent(new Event('input')) })(document
        .getElementById('filter'))"
}
filter pending
finds "rules that wait" "document.querySelectorAll('#rules tbody tr').length" 1
finds "their name" "document.querySelector('#rules tbody th span').textContent" '"waits"'
finds "text as it is" "document.querySelector('#rules tbody .clip').textContent" \
    "$(jq -n --arg text "239.1.1.3%in0:5000 name=waits -> 239.2.2.4%$hostile:6000" '$text')"
finds "why" "document.querySelector('#rules tbody th').lastChild.textContent" \
    "$(jq -n --arg text "interface $hostile does not exist" '$text')"
finds "an interface of that name" "[...document.querySelectorAll('#picture text')].some(text =>
    text.textContent === '$hostile')" true
finds "elements made of it" "document.querySelectorAll('s').length" 0
finds "heads without a scope" "document.querySelectorAll('th:not([scope])').length" 0
asks complaints
expect "complaints of the browser" "$answer" "[]"

# The daemon ends: the page says so, and still shows what was.
stop "$sender"
stop "$feeder"
relay_stop
sees "document.body.classList.contains('stale') && !document.getElementById('alarm').hidden"
finds "the alarm" "/^Nothing was heard from numacastd since .*: it does not answer/.test(document
    .getElementById('alarm').textContent)" true
shot gone
exec 7>&-
wait_end "$browser"
