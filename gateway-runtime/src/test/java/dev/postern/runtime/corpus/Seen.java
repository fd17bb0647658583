package dev.postern.runtime.corpus;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A request as some reader saw it: method, target, host, fields, body. Equal when method, target, host and body are.
 *
 * <p>{@link #read} is the corpus's own reader: plain and strict, and independent of everything it judges.
 */
record Seen(String method, String target, String host, List<Field> fields, byte[] body) {
    /** A field line, without the blanks around its value. */
    record Field(String name, String value) {
        @Override
        public String toString() {
            return name + ": " + value;
        }
    }

    /** Reads requests up to the end of the bytes, or behind one that says close. */
    static List<Seen> all(byte[] bytes) {
        InputStream in = new ByteArrayInputStream(bytes);
        List<Seen> all = new ArrayList<>();
        try {
            for (Seen next = read(in); next != null; next = read(in)) {
                all.add(next);
                if (next.closes()) {
                    return all;
                }
            }
            return all;
        } catch (IOException broken) {
            throw new IllegalStateException(broken);
        }
    }

    /**
     * Reads one request.
     *
     * @return null at the end
     * @throws IOException when it is malformed or ends too early
     */
    static @Nullable Seen read(InputStream in) throws IOException {
        return read(in, () -> {});
    }

    /** The same, telling when the head is complete. */
    static @Nullable Seen read(InputStream in, Runnable atHead) throws IOException {
        String line = line(in);
        if (line != null && line.isEmpty()) {
            line = line(in);
        }
        if (line == null) {
            return null;
        }
        String[] words = line.split(" ", -1);
        if (words.length != 3 || !words[2].equals("HTTP/1.1")) {
            throw new IOException("request line: " + line);
        }
        List<Field> fields = fields(in);
        atHead.run();
        Seen head = new Seen(words[0], words[1], "", fields, new byte[0]);
        return new Seen(words[0], words[1], head.only("host"), fields, head.readBody(in));
    }

    private byte[] readBody(InputStream in) throws IOException {
        String coding = only("transfer-encoding");
        if (coding.equalsIgnoreCase("chunked")) {
            return chunks(in);
        }
        String length = only("content-length");
        int bytes = length.isEmpty() ? 0 : Integer.parseInt(length);
        byte[] body = in.readNBytes(bytes);
        if (body.length < bytes || !coding.isEmpty()) {
            throw new IOException("body of " + body.length + " of " + bytes + " bytes, coding " + coding);
        }
        return body;
    }

    private static List<Field> fields(InputStream in) throws IOException {
        List<Field> fields = new ArrayList<>();
        for (String line = line(in); ; line = line(in)) {
            if (line == null) {
                throw new IOException("ended in a head");
            }
            if (line.isEmpty()) {
                return fields;
            }
            int colon = line.indexOf(':');
            if (colon < 1) {
                throw new IOException("field: " + line);
            }
            fields.add(new Field(line.substring(0, colon), trimmed(line.substring(colon + 1))));
        }
    }

    private static byte[] chunks(InputStream in) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        while (true) {
            String size = line(in);
            if (size == null || !size.matches("[0-9a-fA-F]{1,8}(;.*)?")) {
                throw new IOException("chunk size: " + size);
            }
            int bytes = Integer.parseInt(size.split(";")[0], 16);
            if (bytes == 0) {
                fields(in);
                return body.toByteArray();
            }
            byte[] data = in.readNBytes(bytes);
            body.writeBytes(data);
            if (data.length < bytes || in.read() != '\r' || in.read() != '\n') {
                throw new IOException("chunk of " + data.length + " of " + bytes + " bytes");
            }
        }
    }

    /** A line without its CRLF; null at the end. */
    private static @Nullable String line(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            if (c == '\n') {
                int last = text.length() - 1;
                if (last < 0 || text.charAt(last) != '\r') {
                    throw new IOException("a line that ends in LF: " + text);
                }
                text.setLength(last);
                return text.toString();
            }
            text.append((char) c);
        }
        if (text.length() > 0) {
            throw new IOException("ended in a line: " + text);
        }
        return null;
    }

    private static String trimmed(String value) {
        int from = 0;
        int to = value.length();
        while (from < to && (value.charAt(from) == ' ' || value.charAt(from) == '\t')) {
            from++;
        }
        while (to > from && (value.charAt(to - 1) == ' ' || value.charAt(to - 1) == '\t')) {
            to--;
        }
        return value.substring(from, to);
    }

    /** The values of a field, joined; empty when there is none. */
    String only(String name) {
        List<String> values = fields.stream()
                .filter(field -> field.name().equalsIgnoreCase(name))
                .map(Field::value)
                .toList();
        return String.join("; ", values);
    }

    boolean closes() {
        for (Field field : fields) {
            if (field.name().equalsIgnoreCase("connection")
                    && Arrays.stream(field.value().toLowerCase(Locale.ROOT).split(","))
                            .map(String::strip)
                            .anyMatch("close"::equals)) {
                return true;
            }
        }
        return false;
    }

    Seen with(String newMethod, String newTarget) {
        return new Seen(newMethod, newTarget, host, fields, body);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Seen seen
                && method.equals(seen.method)
                && target.equals(seen.target)
                && host.equals(seen.host)
                && Arrays.equals(body, seen.body);
    }

    @Override
    public int hashCode() {
        return target.hashCode() * 31 + Arrays.hashCode(body);
    }

    @Override
    public String toString() {
        String text = new String(body, StandardCharsets.ISO_8859_1);
        return method + ' ' + target + " for " + host + " with " + body.length + " bytes: "
                + (text.length() > 60 ? text.substring(0, 60) + "…" : text);
    }
}
