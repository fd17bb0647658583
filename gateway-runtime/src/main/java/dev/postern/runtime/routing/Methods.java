package dev.postern.runtime.routing;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The methods that the routes of one table name, a bit each. Filled while the table is compiled, then only read. */
final class Methods {
    // In the order in which Allow lists them.
    private static final List<String> USUAL = List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    private static final long GET = 1;
    private static final long HEAD = 2;

    // RFC 9110 9.3.6 and 9.3.8: one asks for a tunnel, the other for the request head back, credentials included.
    private static final List<String> NEVER = List.of("CONNECT", "TRACE");

    private final Map<String, Long> bits = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private final Map<Long, Mask> masks = new HashMap<>();

    Methods() {
        USUAL.forEach(this::bit);
    }

    /** Some of the methods, or any. */
    static final class Mask {
        static final Mask ANY = new Mask(0, List.of());

        private final long bits;
        private final List<String> names;

        private Mask(long bits, List<String> names) {
            this.bits = bits;
            this.names = names;
        }

        boolean isAny() {
            return bits == 0;
        }

        long named() {
            return bits;
        }

        /** The methods served: {@code HEAD} goes where {@code GET} goes. */
        long served() {
            return (bits & GET) != 0 ? bits | HEAD : bits;
        }

        boolean serves(long method) {
            return bits == 0 || (served() & method) != 0;
        }

        @Override
        public String toString() {
            return String.join(", ", names);
        }
    }

    static boolean isServed(String method) {
        return !NEVER.contains(method);
    }

    static long head() {
        return HEAD;
    }

    /** The bit of a method, 0 when no route names it. */
    long find(String method) {
        Long bit = bits.get(method);
        return bit == null ? 0 : bit;
    }

    /** The mask of some methods; null when there are more different ones than a table can hold. */
    @Nullable
    Mask mask(List<String> some) {
        long mask = 0;
        for (String method : some) {
            long bit = bit(method);
            if (bit == 0) {
                return null;
            }
            mask |= bit;
        }
        return of(mask);
    }

    /** The mask with these bits. */
    Mask of(long mask) {
        return masks.computeIfAbsent(mask, bitsOfMask -> new Mask(bitsOfMask, names(bitsOfMask)));
    }

    /** The names of some bits, in the order of {@code Allow}. */
    List<String> names(long mask) {
        List<String> some = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            if ((mask & 1L << i) != 0) {
                some.add(names.get(i));
            }
        }
        return List.copyOf(some);
    }

    /** What a route without a condition on the method lists in {@code Allow}. */
    static long usual() {
        return (1L << USUAL.size()) - 1;
    }

    private long bit(String method) {
        Long known = bits.get(method);
        if (known != null) {
            return known;
        }
        if (names.size() == Long.SIZE) {
            return 0;
        }
        long bit = 1L << names.size();
        names.add(method);
        bits.put(method, bit);
        return bit;
    }
}
