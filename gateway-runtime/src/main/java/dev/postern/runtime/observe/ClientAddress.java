package dev.postern.runtime.observe;

import java.net.Inet4Address;
import java.net.InetAddress;

/** Writes addresses in the one form of RFC 5952, whole or without what tells one household from another. */
final class ClientAddress {
    private ClientAddress() {}

    static String whole(InetAddress address) {
        return text(address.getAddress(), address instanceof Inet4Address);
    }

    /** IPv4 with the last 8 bits zero, IPv6 with the last 80: what remains is a provider's block, not a person. */
    static String truncated(InetAddress address) {
        byte[] bytes = address.getAddress();
        boolean four = address instanceof Inet4Address;
        for (int i = four ? 3 : 6; i < bytes.length; i++) {
            bytes[i] = 0;
        }
        return text(bytes, four);
    }

    private static String text(byte[] bytes, boolean four) {
        if (four) {
            return (bytes[0] & 255) + "." + (bytes[1] & 255) + '.' + (bytes[2] & 255) + '.' + (bytes[3] & 255);
        }
        int from = 8;
        int length = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && group(bytes, end) == 0) {
                end++;
            }
            // Strictly longer: of equal runs the first is shortened, and a single zero is not (4.2.2, 4.2.3).
            if (end - i > length) {
                from = i;
                length = end - i;
            }
        }
        StringBuilder out = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == from) {
                out.append("::");
                i += length - 1;
            } else {
                out.append(i > 0 && i != from + length ? ":" : "").append(Integer.toHexString(group(bytes, i)));
            }
        }
        return out.toString();
    }

    private static int group(byte[] bytes, int index) {
        return (bytes[2 * index] & 255) << 8 | (bytes[2 * index + 1] & 255);
    }
}
