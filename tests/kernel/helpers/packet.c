/* Opens packet sockets, for which no safe crate has an address, says so, and holds them until its
 * standard input ends: `packet`
 *
 *   SOCK_RAW    ARP, on lo
 *   SOCK_DGRAM  every ethertype, on every interface
 *
 * A test helper: one file, no library. Ends with 125 where the kernel refuses.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
    int arp = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
    int all = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    struct sockaddr_ll on_lo = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETH_P_ARP),
                                .sll_ifindex = (int)if_nametoindex("lo")};
    if (arp < 0 || all < 0 || bind(arp, (struct sockaddr *)&on_lo, sizeof on_lo))
        return 125;
    puts("open");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
