package dev.postern;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The header lines of one message, in the order they arrived. Names compare without case. Values are kept exactly as
 * received: a line holding {@code a, b} is one value, not two.
 *
 * <p>Immutable: every edit copies one array of strings, so a header list can be shared between attempts of a retried
 * request, an access log and another thread. For several edits use {@link #edit}, which copies once. Names and values
 * are checked when they are put in (RFC 9110 5.1, 5.5); what a {@code Headers} holds can be written to the wire.
 */
public final class Headers implements Iterable<Map.Entry<String, String>> {
    /** No line at all. */
    public static final Headers EMPTY = new Headers(new String[0], 0);

    private static final Set<String> SECRET = Set.of(
            "authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "api-key", "x-auth-token");

    // Whoever built it may have left room behind the end.
    private final String[] lines;
    private final int end;

    private Headers(String[] lines, int end) {
        this.lines = lines;
        this.end = end;
    }

    /** One line. */
    public static Headers of(String name, String value) {
        return new Headers(new String[] {FieldRules.name(name), FieldRules.value(name, value)}, 2);
    }

    /** An empty builder, for lists made line by line. */
    public static Builder builder() {
        return new Builder(new String[16], 0);
    }

    /** The number of lines. */
    public int size() {
        return end >> 1;
    }

    /** Whether there is no line. */
    public boolean isEmpty() {
        return end == 0;
    }

    /** The name of line {@code index}, as spelled by the sender. */
    public String name(int index) {
        return lines[Objects.checkIndex(index, end >> 1) << 1];
    }

    /** The value of line {@code index}. */
    public String value(int index) {
        return lines[(Objects.checkIndex(index, end >> 1) << 1) + 1];
    }

    /** The value of the first line called {@code name}, or null when there is none. */
    public @Nullable String get(String name) {
        int at = find(lines, end, name, 0);
        return at < 0 ? null : lines[at + 1];
    }

    /** Whether a line is called {@code name}. */
    public boolean contains(String name) {
        return find(lines, end, name, 0) >= 0;
    }

    /** The values of all lines called {@code name}, in order. */
    public List<String> all(String name) {
        int at = find(lines, end, name, 0);
        if (at < 0) {
            return List.of();
        }
        List<String> values = new ArrayList<>(2);
        while (at >= 0) {
            values.add(lines[at + 1]);
            at = find(lines, end, name, at + 2);
        }
        return List.copyOf(values);
    }

    /** Replaces every line called {@code name} by one. */
    public Headers with(String name, String value) {
        return edit(all -> all.set(name, value));
    }

    /** Appends a line and keeps those already there, for fields with several lines such as {@code Set-Cookie}. */
    public Headers adding(String name, String value) {
        FieldRules.name(name);
        FieldRules.value(name, value);
        String[] copy = Arrays.copyOf(lines, end + 2);
        copy[copy.length - 2] = name;
        copy[copy.length - 1] = value;
        return new Headers(copy, copy.length);
    }

    /** Drops every line called {@code name}. */
    public Headers without(String name) {
        return contains(name) ? edit(all -> all.remove(name)) : this;
    }

    /** Many changes with one copy. */
    public Headers edit(Consumer<Builder> changes) {
        Builder builder = toBuilder();
        changes.accept(builder);
        return builder.build();
    }

    /** A builder that begins with these lines. */
    public Builder toBuilder() {
        return new Builder(Arrays.copyOf(lines, end + 8), end);
    }

    @Override
    public Iterator<Map.Entry<String, String>> iterator() {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < end;
            }

            @Override
            public Map.Entry<String, String> next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Map.Entry<String, String> line = Map.entry(lines[next], lines[next + 1]);
                next += 2;
                return line;
            }
        };
    }

    /** Equal when names (without case) and values are the same, in the same order. */
    @Override
    public boolean equals(@Nullable Object other) {
        if (!(other instanceof Headers that) || that.end != end) {
            return false;
        }
        for (int i = 0; i < end; i += 2) {
            if (!lines[i].equalsIgnoreCase(that.lines[i]) || !lines[i + 1].equals(that.lines[i + 1])) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = 0; i < end; i += 2) {
            hash = 31 * hash + lines[i].toLowerCase(Locale.ROOT).hashCode();
            hash = 31 * hash + lines[i + 1].hashCode();
        }
        return hash;
    }

    /** Credentials are shown as {@code ***}: this string is made for logs. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < end; i += 2) {
            boolean secret = SECRET.contains(lines[i].toLowerCase(Locale.ROOT));
            text.append(i > 0 ? ", " : "").append(lines[i]).append(": ").append(secret ? "***" : lines[i + 1]);
        }
        return text.append(']').toString();
    }

    private static int find(@Nullable String[] lines, int end, String name, int from) {
        int length = name.length();
        for (int i = from; i < end; i += 2) {
            String candidate = lines[i];
            if (candidate != null && candidate.length() == length && candidate.equalsIgnoreCase(name)) {
                return i;
            }
        }
        return -1;
    }

    /** A header list under construction. Not safe for several threads; {@link #build} may be called once or often. */
    public static final class Builder {
        private String[] lines;
        private int end;
        // What was built has them too.
        private boolean shared;

        private Builder(String[] lines, int end) {
            this.lines = lines;
            this.end = end;
        }

        /** Appends a line. */
        public Builder add(String name, String value) {
            FieldRules.name(name);
            FieldRules.value(name, value);
            if (end + 2 > lines.length) {
                lines = Arrays.copyOf(lines, Math.max(16, lines.length * 2));
                shared = false;
            }
            own();
            lines[end++] = name;
            lines[end++] = value;
            return this;
        }

        /** Puts one line in the place of the first one called {@code name} and drops the others, or appends it. */
        public Builder set(String name, String value) {
            int at = find(lines, end, name, 0);
            if (at < 0) {
                return add(name, value);
            }
            FieldRules.value(name, value);
            own();
            lines[at] = FieldRules.name(name);
            lines[at + 1] = value;
            drop(name, at + 2);
            return this;
        }

        /** Drops every line called {@code name}. */
        public Builder remove(String name) {
            drop(name, 0);
            return this;
        }

        /** The value of the first line called {@code name}, or null. */
        public @Nullable String get(String name) {
            int at = find(lines, end, name, 0);
            return at < 0 ? null : lines[at + 1];
        }

        /** The list as it stands now. */
        public Headers build() {
            if (end == 0) {
                return EMPTY;
            }
            shared = true;
            return new Headers(lines, end);
        }

        /** Before the first change after {@link #build}: what was built stays as it is. */
        private void own() {
            if (shared) {
                lines = lines.clone();
                shared = false;
            }
        }

        private void drop(String name, int from) {
            own();
            int kept = from;
            int length = name.length();
            for (int i = from; i < end; i += 2) {
                if (lines[i].length() == length && lines[i].equalsIgnoreCase(name)) {
                    continue;
                }
                lines[kept] = lines[i];
                lines[kept + 1] = lines[i + 1];
                kept += 2;
            }
            end = kept;
        }
    }
}
