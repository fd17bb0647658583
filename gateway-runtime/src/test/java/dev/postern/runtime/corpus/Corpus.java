package dev.postern.runtime.corpus;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Reads the files of the desync corpus. The format is described in docs/contributing/corpus.md; in short: {@code |} is a line
 * of both the case and its twin, {@code -} of the case alone, {@code +} of the twin alone; each line ends in CRLF unless a
 * backslash ends it.
 */
final class Corpus {
    private static final Path ROOT = Path.of("src/test/resources/corpus");

    private Corpus() {}

    /** All cases of a folder, in the order of their files. */
    static List<Case> of(String folder) {
        try (Stream<Path> files = Files.list(ROOT.resolve(folder))) {
            List<Case> all = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                all.addAll(read(file));
            }
            return all;
        } catch (IOException broken) {
            throw new IllegalStateException(broken);
        }
    }

    private static List<Case> read(Path file) throws IOException {
        String topic = file.getFileName().toString().replace(".txt", "");
        List<Case> cases = new ArrayList<>();
        Reader reader = null;
        for (String line : Files.readAllLines(file, StandardCharsets.US_ASCII)) {
            if (line.startsWith("case ")) {
                if (reader != null) {
                    cases.add(reader.done());
                }
                reader = new Reader(topic, line.substring(5));
            } else if (!line.isEmpty() && !line.startsWith("#")) {
                if (reader == null) {
                    throw new IllegalStateException(file + ": a line before the first case: " + line);
                }
                reader.take(line);
            }
        }
        if (reader != null) {
            cases.add(reader.done());
        }
        return cases;
    }

    private static final class Reader {
        private final String topic;
        private final String name;
        private final List<byte[]> parts = new ArrayList<>();
        private final Map<String, String> gone = new LinkedHashMap<>();
        private ByteArrayOutputStream part = new ByteArrayOutputStream();
        private final ByteArrayOutputStream twin = new ByteArrayOutputStream();
        private boolean hasTwin;
        private String expect = "";
        private String unguarded = "";
        private String twinExpect = "same";
        private List<String> origin = List.of();
        private final Map<String, String> settings = new LinkedHashMap<>();

        Reader(String topic, String name) {
            this.topic = topic;
            this.name = name;
        }

        void take(String line) {
            char mark = line.charAt(0);
            if (mark == '|' || mark == '-' || mark == '+') {
                byte[] bytes = bytes(line.length() > 2 ? line.substring(2) : "");
                if (mark != '+') {
                    part.writeBytes(bytes);
                }
                if (mark != '-') {
                    twin.writeBytes(bytes);
                }
                hasTwin |= mark != '|';
                return;
            }
            if (mark == '@') {
                parts.add(part.toByteArray());
                part = new ByteArrayOutputStream();
                return;
            }
            int blank = line.indexOf(' ');
            String value = line.substring(blank + 1);
            switch (line.substring(0, blank)) {
                case "why" -> {
                    // For readers.
                }
                case "expect" -> expect = value;
                case "unguarded" -> unguarded = value;
                case "twin" -> twinExpect = value;
                case "method", "end", "pool" -> settings.put(line.substring(0, blank), value);
                case "origin" -> origin = List.of(value.split(" "));
                case "gone" -> {
                    for (String field : value.split(", ")) {
                        int equals = field.indexOf('=');
                        gone.put(
                                equals < 0 ? field : field.substring(0, equals),
                                equals < 0 ? "" : field.substring(equals + 1));
                    }
                }
                default -> throw new IllegalStateException(this + ": not understood: " + line);
            }
        }

        Case done() {
            parts.add(part.toByteArray());
            if (expect.isEmpty()) {
                throw new IllegalStateException(this + ": expects nothing");
            }
            return new Case(
                    topic,
                    name,
                    expect,
                    unguarded,
                    gone,
                    twinExpect,
                    origin,
                    parts,
                    hasTwin ? twin.toByteArray() : new byte[0],
                    settings);
        }

        @Override
        public String toString() {
            return topic + ": " + name;
        }
    }

    /** The bytes that a line stands for. */
    static byte[] bytes(String line) {
        boolean open = line.endsWith("\\") && !line.endsWith("\\\\");
        String text = open ? line.substring(0, line.length() - 1) : line + "\\r\\n";
        return unescaped(text).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** The bracket that closes the repetition that begins in front of {@code from}; repetitions may stand in one another. */
    private static int closing(String text, int from) {
        int depth = 1;
        int at = from;
        while (depth > 0) {
            at++;
            boolean opens = text.charAt(at) == '[' && text.charAt(at - 1) == '\\';
            depth += opens ? 1 : text.charAt(at) == ']' ? -1 : 0;
        }
        return at;
    }

    private static String unescaped(String text) {
        StringBuilder out = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i++);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char what = text.charAt(i++);
            switch (what) {
                case 'r' -> out.append('\r');
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case '0' -> out.append('\0');
                case '\\' -> out.append('\\');
                case 'x' -> {
                    out.append((char) Integer.parseInt(text, i, i + 2, 16));
                    i += 2;
                }
                case '[' -> {
                    int colon = text.indexOf(':', i);
                    int end = closing(text, colon);
                    out.append(unescaped(text.substring(colon + 1, end)).repeat(Integer.parseInt(text, i, colon, 10)));
                    i = end + 1;
                }
                default -> throw new IllegalStateException("no escape: \\" + what + " in " + text);
            }
        }
        return out.toString();
    }
}
