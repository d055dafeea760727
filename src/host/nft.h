/* nft.h - reads the packet filter's rules by the tool that knows them all, nft(8).
 *
 * No shell is involved: the tool is looked for in the usual places and started with fixed
 * arguments and an empty environment. Control thread, for --check-host only.
 */
#pragma once

/* `nft -j list ruleset' as one string to be freed. 0; -ENOENT: there is no nft on this host;
 * -EPERM: it may not look (it wants CAP_NET_ADMIN); -ETIME: no answer in time; other -errno. */
int nft_list(char **out);
