package dev.postern.runtime.routing;

import dev.postern.runtime.edge.IpLiteral;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * A network: {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or a single address. IPv4 addresses mapped into IPv6 ({@code
 * ::ffff:10.0.0.1}) count as IPv4, in networks and in addresses; {@code ::/0} therefore holds no IPv4 address.
 */
public final class Cidr implements Comparable<Cidr> {
    private static final int V4_BITS = 32;
    private static final int V6_BITS = 128;
    private static final int MAPPED_BITS = V6_BITS - V4_BITS;
    private static final long V4_MASK = 0xFFFFFFFFL;

    private final boolean v4;
    // Version 4: high is 0 and low holds 32 bits.
    private final long high;
    private final long low;
    private final int length;

    private Cidr(boolean v4, long high, long low, int length) {
        this.v4 = v4;
        this.high = high;
        this.low = low;
        this.length = length;
    }

    /**
     * Reads a network.
     *
     * @throws IllegalArgumentException when the text is none, or has bits behind its prefix; the message says what to write
     */
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        int end = slash < 0 ? text.length() : slash;
        long[] bits = new long[2];
        long quad = IpLiteral.v4(text, 0, end);
        boolean isV4 = quad >= 0;
        bits[1] = quad;
        if (!isV4 && !IpLiteral.v6(text, 0, end, bits)) {
            throw new IllegalArgumentException(
                    "network: \"" + text + "\" (expected: an address or a prefix such as 10.0.0.0/8 or 2001:db8::/32)");
        }
        int all = isV4 ? V4_BITS : V6_BITS;
        int length = slash < 0 ? all : prefixLength(text, slash + 1, all);
        if (!isV4 && isMapped(bits[0], bits[1]) && length >= MAPPED_BITS) {
            isV4 = true;
            length -= MAPPED_BITS;
            bits[1] &= V4_MASK;
        }
        Cidr given = new Cidr(isV4, bits[0], bits[1], length);
        Cidr network = given.cutTo(length);
        if (!network.equals(given)) {
            throw new IllegalArgumentException(
                    "network: \"" + text + "\" has bits behind its prefix (write \"" + network + "\")");
        }
        return network;
    }

    private static int prefixLength(String text, int from, int all) {
        int value = 0;
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            value = c >= '0' && c <= '9' && value <= all ? value * 10 + c - '0' : all + 1;
        }
        if (from == text.length() || value > all || (text.charAt(from) == '0' && text.length() > from + 1)) {
            throw new IllegalArgumentException(
                    "network: \"" + text + "\" (expected: a prefix length from 0 to " + all + ")");
        }
        return value;
    }

    /** Whether an address lies in this network. */
    public boolean contains(InetAddress address) {
        return contains(of(address));
    }

    /** Whether all of another network lies in this one. */
    public boolean contains(Cidr other) {
        return v4 == other.v4
                && other.length >= length
                && ((other.high ^ high) & highMask(length)) == 0
                && ((other.low ^ low) & lowMask(length)) == 0;
    }

    /** A single address. */
    static Cidr of(InetAddress address) {
        byte[] bytes = address.getAddress();
        long low = bits(bytes, Math.max(0, bytes.length - 8), bytes.length);
        if (bytes.length == 4) {
            return new Cidr(true, 0, low, V4_BITS);
        }
        long high = bits(bytes, 0, 8);
        return isMapped(high, low) ? new Cidr(true, 0, low & V4_MASK, V4_BITS) : new Cidr(false, high, low, V6_BITS);
    }

    private static long bits(byte[] bytes, int from, int to) {
        long bits = 0;
        for (int i = from; i < to; i++) {
            bits = bits << 8 | (bytes[i] & 255);
        }
        return bits;
    }

    int length() {
        return length;
    }

    /** The network of a shorter prefix around this one. */
    Cidr cutTo(int newLength) {
        return new Cidr(v4, high & highMask(newLength), low & lowMask(newLength), newLength);
    }

    /** What this network and its other half make together, or null when {@code other} is not the other half. */
    @Nullable
    Cidr joinedWith(Cidr other) {
        if (length == 0 || other.length != length) {
            return null;
        }
        Cidr parent = cutTo(length - 1);
        return !equals(other) && parent.equals(other.cutTo(length - 1)) ? parent : null;
    }

    private long highMask(int prefix) {
        return v4 || prefix == 0 ? 0 : prefix >= 64 ? -1 : -1L << (64 - prefix);
    }

    private long lowMask(int prefix) {
        int zeros = (v4 ? V4_BITS : V6_BITS) - prefix;
        return zeros >= 64 ? 0 : -1L << zeros;
    }

    private static boolean isMapped(long high, long low) {
        return high == 0 && low >>> 32 == 0xFFFF;
    }

    /** By version, then address, then the wider first. */
    @Override
    public int compareTo(Cidr other) {
        if (v4 != other.v4) {
            return v4 ? -1 : 1;
        }
        int byHigh = Long.compareUnsigned(high, other.high);
        int byLow = Long.compareUnsigned(low, other.low);
        return byHigh != 0 ? byHigh : byLow != 0 ? byLow : Integer.compare(length, other.length);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Cidr that
                && that.v4 == v4
                && that.high == high
                && that.low == low
                && that.length == length;
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Long.hashCode(high) + Long.hashCode(low)) + (v4 ? length : length + V6_BITS);
    }

    /** {@code 10.0.0.0/8}; a single address without its length. */
    @Override
    public String toString() {
        String address = v4 ? IpLiteral.v4(low) : IpLiteral.v6(high, low);
        return length == (v4 ? V4_BITS : V6_BITS) ? address : address + '/' + length;
    }
}
