package dev.postern.traffic;

import dev.postern.Exchange;
import dev.postern.Request;
import dev.postern.RequestKey;
import java.util.HexFormat;

/**
 * The network that the caller's address lies in.
 *
 * @param ipv4Bits prefix length for IPv4 callers, 1 to 32
 * @param ipv6Bits prefix length for IPv6 callers, 1 to 128
 */
record ClientNetwork(int ipv4Bits, int ipv6Bits) implements RequestKey {
    ClientNetwork {
        bits("ipv4Bits", ipv4Bits, 32);
        bits("ipv6Bits", ipv6Bits, 128);
    }

    private static void bits(String name, int bits, int most) {
        if (bits < 1 || bits > most) {
            throw new IllegalArgumentException(name + ": " + bits + " (expected: 1 to " + most + ")");
        }
    }

    @Override
    public String of(Request request, Exchange exchange) {
        byte[] address = exchange.client().address().getAddress();
        int kept = address.length == 4 ? ipv4Bits : ipv6Bits;
        int bytes = (kept + 7) / 8;
        // 255 << unused bits: clears what lies behind the prefix in its last byte.
        address[bytes - 1] &= (byte) (0xff << (bytes * 8 - kept));
        // The length keeps IPv4 and IPv6 networks apart.
        return (address.length == 4 ? "4:" : "6:") + HexFormat.of().formatHex(address, 0, bytes);
    }

    @Override
    public String toString() {
        return "client network /" + ipv4Bits + " /" + ipv6Bits;
    }
}
