# search.sh - the highest rate at which nothing is lost, found by halving (after RFC 2544, 26.1).
#
# The search begins with all that the sender can send; if nothing is lost then, that is the result,
# and the relay's limit is not known. Else the range between the last rate that passed and the last
# that did not is halved until it is narrow. A rate fails when datagrams are lost in two trials in a
# row: on a machine that does other things too a single loss says little about the relay.
# shellcheck shell=bash disable=SC2034,SC2154

search_narrow=1.06 # the range that is narrow enough, as a ratio
search_steps=12    # at most; 3 with --quick

# lossless RELAY: whether one of two trials under `load' loses nothing.
lossless() {
    local attempt
    for attempt in 1 2; do
        trial "$1" || { fault "$1 could not be measured"; return 1; }
        [ "${got[received]}" -lt "${got[expected]}" ] || return 0
    done
    return 1
}

# search TABLE CASE PARAM RUN RELAY: records the best trial that passed.
search() {
    local low=0 high step best=
    relay_known "$5" || return 0
    load[rate]=unlimited
    ! $quick || search_steps=3
    if lossless "$5"; then
        best=$(trial_line "$1" "$2" "$3" "$4")
        high=0
    else
        high=$(calc "${got[sent]} / ${got[send_s]}")
    fi
    for ((step = 0; step < search_steps; step++)); do
        [ "$(calc "$high > $search_narrow * $low")" = 1 ] || break
        load[rate]=$(calc "int($low > 0 ? ($low + $high) / 2 : $high / 2)")
        if lossless "$5"; then
            low=${load[rate]}
            best=$(trial_line "$1" "$2" "$3" "$4")
        else
            high=${load[rate]}
        fi
    done
    if [ -n "$best" ]; then
        echo "$best" >>"$raw"
    else
        say "$1: $2 with $3 loses at every rate tried"
    fi
}
