package dev.postern.runtime.listener;

import dev.postern.runtime.edge.IpLiteral;
import io.netty.buffer.ByteBuf;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header with which a load balancer says whose connection it passes on: the PROXY protocol, versions 1 and 2,
 * to the letter of its specification. Extensions (TLV) are skipped: what they could say, nobody here believes.
 *
 * @param length bytes of the header
 * @param source the other end as the balancer sees it; null when the connection is the balancer's own ({@code LOCAL}) or
 *     has no address ({@code UNKNOWN}, domain sockets)
 */
record ProxyHeader(int length, @Nullable InetSocketAddress source) {
    /** A longer one has extensions that nobody needs: a certificate of a client may be among them. */
    static final int MAX_BYTES = 4096;

    // Version 1: "PROXY TCP6 <39> <39> <5> <5>CRLF"; with UNKNOWN anything of that length.
    private static final int MAX_LINE_BYTES = 107;
    private static final byte[] LINE = "PROXY ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SIGNATURE = {13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10};
    private static final int FIXED_BYTES = 16;

    /** Why bytes are no header. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        Malformed(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * The header at the beginning of these bytes, which are not consumed.
     *
     * @return null when there are too few bytes to tell; never when there are {@link #MAX_BYTES}
     */
    static @Nullable ProxyHeader read(ByteBuf bytes) throws Malformed {
        int from = bytes.readerIndex();
        int count = bytes.readableBytes();
        if (count == 0) {
            return null;
        }
        byte[] begin = bytes.getByte(from) == LINE[0] ? LINE : SIGNATURE;
        for (int i = 0; i < Math.min(count, begin.length); i++) {
            if (bytes.getByte(from + i) != begin[i]) {
                throw new Malformed("it does not begin as a PROXY header does");
            }
        }
        if (count < begin.length) {
            return null;
        }
        return begin == LINE ? line(bytes, from, count) : binary(bytes, from, count);
    }

    // ---- version 1

    private static @Nullable ProxyHeader line(ByteBuf bytes, int from, int count) throws Malformed {
        int scanned = Math.min(count, MAX_LINE_BYTES);
        for (int i = LINE.length; i < scanned; i++) {
            if (bytes.getByte(from + i) == '\n') {
                if (bytes.getByte(from + i - 1) != '\r') {
                    throw new Malformed("its line ends without CR");
                }
                return new ProxyHeader(i + 1, line(bytes.toString(from, i - 1, StandardCharsets.ISO_8859_1)));
            }
        }
        if (count >= MAX_LINE_BYTES) {
            throw new Malformed("its line is longer than " + MAX_LINE_BYTES + " bytes");
        }
        return null;
    }

    private static @Nullable InetSocketAddress line(String text) throws Malformed {
        if (text.equals("PROXY UNKNOWN") || text.startsWith("PROXY UNKNOWN ")) {
            // What follows is to be ignored.
            return null;
        }
        // One blank each: an empty part is no address and no port.
        String[] parts = text.split(" ", -1);
        if (parts.length != 6 || !(parts[1].equals("TCP4") || parts[1].equals("TCP6"))) {
            throw new Malformed("it is not: PROXY TCP4|TCP6 source destination port port");
        }
        boolean v4 = parts[1].equals("TCP4");
        address(parts[3], v4);
        port(parts[5]);
        return new InetSocketAddress(address(parts[2], v4), port(parts[4]));
    }

    private static InetAddress address(String text, boolean v4) throws Malformed {
        if (v4) {
            long bits = IpLiteral.v4(text, 0, text.length());
            if (bits >= 0) {
                return address(ByteBuffer.allocate(4).putInt((int) bits).array());
            }
        } else {
            long[] bits = new long[2];
            if (IpLiteral.v6(text, 0, text.length(), bits)) {
                return address(ByteBuffer.allocate(16)
                        .putLong(bits[0])
                        .putLong(bits[1])
                        .array());
            }
        }
        throw new Malformed("an address of it is none");
    }

    private static int port(String text) throws Malformed {
        boolean digits = !text.isEmpty() && text.length() <= 5 && text.chars().allMatch(c -> c >= '0' && c <= '9');
        int port = digits ? Integer.parseInt(text) : -1;
        if (port < 0 || port > 65_535 || (text.length() > 1 && text.startsWith("0"))) {
            throw new Malformed("a port of it is none");
        }
        return port;
    }

    // ---- version 2

    private static @Nullable ProxyHeader binary(ByteBuf bytes, int from, int count) throws Malformed {
        if (count < FIXED_BYTES) {
            return null;
        }
        int command = bytes.getUnsignedByte(from + 12);
        int family = bytes.getUnsignedByte(from + 13);
        int length = bytes.getUnsignedShort(from + 14);
        if (command != 0x20 && command != 0x21) {
            throw new Malformed("its version is not 2, or its command neither LOCAL nor PROXY");
        }
        if (FIXED_BYTES + length > MAX_BYTES) {
            throw new Malformed("it is longer than " + MAX_BYTES + " bytes");
        }
        // LOCAL: a question of the balancer itself, whatever else is in it.
        boolean local = command == 0x20;
        int addressBytes = local
                ? 0
                : switch (family) {
                    case 0x00 -> 0;
                    case 0x11 -> 12;
                    case 0x21 -> 36;
                    case 0x31 -> 216;
                    default -> throw new Malformed("its addresses are not those of streams");
                };
        if (length < addressBytes) {
            throw new Malformed("it ends within its addresses");
        }
        if (count < FIXED_BYTES + length) {
            return null;
        }
        int size = addressBytes == 12 ? 4 : 16;
        if (addressBytes != 12 && addressBytes != 36) {
            return new ProxyHeader(FIXED_BYTES + length, null);
        }
        byte[] source = new byte[size];
        bytes.getBytes(from + FIXED_BYTES, source);
        int port = bytes.getUnsignedShort(from + FIXED_BYTES + 2 * size);
        return new ProxyHeader(FIXED_BYTES + length, new InetSocketAddress(address(source), port));
    }

    private static InetAddress address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("an address of 4 or 16 bytes was refused", impossible);
        }
    }
}
