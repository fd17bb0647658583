package dev.postern.runtime.corpus;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * Copies of the classes that judge requests, made from their sources and compiled in memory, in which single rules can be
 * switched {@link Off}: every place that refuses, every name that is looked for. The product has no such switch.
 */
final class MutatedRules {
    private static final Path SOURCES = Path.of("src/main/java/dev/postern/runtime");
    private static final Path TEST_SOURCES = Path.of("src/test/java/dev/postern/runtime");
    private static final String PACKAGE = "dev.postern.runtime.";
    private static final Pattern REASON = Pattern.compile("Reason\\.([A-Z][A-Z_0-9]+)");
    private static final Pattern CODE = Pattern.compile("\"([a-z]+\\.[a-z_0-9]+)\"");
    private static final Pattern NAME = Pattern.compile("\\bis\\(name, (\"[a-z0-9-]+\")\\)");
    private static final Pattern LITERAL = Pattern.compile("\"([a-z0-9-]+)\"");
    private static final Pattern THROW = Pattern.compile("(?m)^(\\s*)throw ((?s:.*?));$");

    /**
     * A rule.
     *
     * @param file the class it is in
     * @param line its line there
     * @param what the code or name it is about
     */
    record Rule(String file, int line, String what) {
        @Override
        public String toString() {
            return file + ":" + line + " " + what;
        }
    }

    private final List<Rule> rules = new ArrayList<>();
    private final Map<String, byte[]> classes;

    MutatedRules() throws IOException {
        Map<String, String> sources = new LinkedHashMap<>();
        sources.put("listener.FramingGuard", framing(read("listener/FramingGuard")));
        for (String name : List.of("RequestHead", "Authority", "CanonicalPath", "TargetParser")) {
            sources.put("edge." + name, thrown(name, read("edge/" + name)));
        }
        sources.put("message.Fields", fields(read("message/Fields")));
        sources.put("message.Tokens", read("message/Tokens"));
        sources.put("edge.IpLiteral", read("edge/IpLiteral"));
        sources.put("listener.HeadLimits", read("listener/HeadLimits"));
        sources.put("listener.Reason", read("listener/Reason"));
        sources.put("edge.HeadJudge", Files.readString(TEST_SOURCES.resolve("edge/HeadJudge.java")));
        sources.put("listener.GuardJudge", Files.readString(TEST_SOURCES.resolve("listener/GuardJudge.java")));
        classes = compiled(sources);
    }

    List<Rule> rules() {
        return rules;
    }

    /** Both judges, freshly loaded, without the rule of this number; -1 for none. */
    List<Function<byte[], String>> without(int number) throws ReflectiveOperationException {
        Off.rule(number);
        ClassLoader loader = new Copies(classes);
        return List.of(judge(loader, "listener.GuardJudge"), judge(loader, "edge.HeadJudge"));
    }

    @SuppressWarnings("unchecked")
    private static Function<byte[], String> judge(ClassLoader loader, String name) throws ReflectiveOperationException {
        return (Function<byte[], String>)
                loader.loadClass(PACKAGE + name).getConstructor().newInstance();
    }

    // ---- sources

    private static String read(String name) throws IOException {
        return Files.readString(SOURCES.resolve(name + ".java"));
    }

    /** Every refusal of the byte guard lets its byte pass, every name that no trailer may have is nobody's. */
    private String framing(String source) {
        String file = "FramingGuard";
        int body = source.indexOf("    // ---- request line");
        String names = block(source, "NOT_IN_TRAILERS = {", "};");
        String changed = source.replace(
                names, rewritten(file, source, names, LITERAL, 0, (at, hit) -> "Off.text(" + at + ", " + hit + ")"));
        String rest = source.substring(body);
        changed = changed.replace(
                rest,
                rewritten(file, source, rest, REASON, 0, (at, hit) -> "(Off.at(" + at + ") ? null : " + hit + ")"));
        changed = changed.replace(
                "private Step refuse(Reason why) {",
                "private Step refuse(Reason why) { if (why == null) { return Step.MORE; }");
        return imported(changed);
    }

    /** Every refusal by exception goes on behind it; where nothing can go on, it has no reason any more. */
    private String thrown(String file, String source) {
        String changed = rewritten(file, source, source, CODE, 0, (at, hit) -> "Off.text(" + at + ", " + hit + ")");
        StringBuilder out = new StringBuilder();
        Matcher each = THROW.matcher(changed);
        int from = 0;
        while (each.find()) {
            out.append(changed, from, each.start());
            from = each.end();
            // Nothing behind it in its method: the compiler wants an end there.
            boolean last = changed.startsWith("\n    }\n", from)
                    || changed.startsWith("\n        }\n", from) && isMethodOfReader(changed, each.start());
            out.append(each.group(1));
            if (last) {
                out.append("throw ").append(each.group(2)).append(';');
            } else {
                out.append("{ GatewayException off = ").append(each.group(2));
                out.append("; if (!off.reason().equals(\"off\")) { throw off; } }");
            }
        }
        return imported(out.append(changed.substring(from)).toString());
    }

    /** The throw stands at the depth of the statements of a nested class's method. */
    private static boolean isMethodOfReader(String source, int at) {
        int line = source.charAt(at) == '\n' ? at + 1 : at;
        return source.startsWith("            throw", line)
                && !source.startsWith("             ", line)
                && source.lastIndexOf("private static final class Reader", at) > 0;
    }

    /** Every name of a request's field that is known is unknown. */
    private String fields(String source) {
        String file = "Fields";
        String set = block(source, "PROTECTED = Set.of(", ");");
        String request = block(source, "public static Kind ofRequest", "/** The kind of a response field.");
        String single = block(source, "public static boolean isSingle", "/** Whether a client may not");
        String changed = source;
        changed = changed.replace(
                set, rewritten(file, source, set, LITERAL, 0, (at, hit) -> "Off.text(" + at + ", " + hit + ")"));
        changed = changed.replace(
                request,
                rewritten(file, source, request, NAME, 1, (at, hit) -> "Off.is(" + at + ", " + hit + ")")
                        .replace("AsciiString.region", prefixRule(source) + "AsciiString.region"));
        changed = changed.replace(
                single, rewritten(file, source, single, NAME, 1, (at, hit) -> "Off.is(" + at + ", " + hit + ")"));
        return imported(changed);
    }

    private String prefixRule(String source) {
        rules.add(new Rule("Fields", lineOf(source, source.indexOf("AsciiString.region")), "x-forwarded-"));
        return "!Off.at(" + (rules.size() - 1) + ") && ";
    }

    private interface Change {
        String of(int number, String hit);
    }

    /** Text in which each hit has become a rule with a number. */
    private String rewritten(String file, String whole, String text, Pattern pattern, int group, Change change) {
        int offset = whole.indexOf(text);
        return pattern.matcher(text).replaceAll(hit -> {
            String what = hit.groupCount() > 0 && group == 0 ? hit.group(1) : hit.group(group);
            rules.add(new Rule(file, lineOf(whole, offset + hit.start()), what.replace("\"", "")));
            return Matcher.quoteReplacement(change.of(rules.size() - 1, hit.group()));
        });
    }

    private static int lineOf(String text, int at) {
        return (int) text.substring(0, at).chars().filter(c -> c == '\n').count() + 1;
    }

    private static String block(String source, String begin, String end) {
        int from = source.indexOf(begin);
        int to = source.indexOf(end, from);
        if (from < 0 || to < 0) {
            throw new IllegalStateException("not there any more: " + begin);
        }
        return source.substring(from, to);
    }

    private static String imported(String source) {
        int line = source.indexOf('\n');
        return source.substring(0, line) + " import dev.postern.runtime.corpus.Off;" + source.substring(line);
    }

    // ---- compiled

    private static Map<String, byte[]> compiled(Map<String, String> sources) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> problems = new DiagnosticCollector<>();
        Map<String, ByteArrayOutputStream> written = new HashMap<>();
        try (JavaFileManager files = new InMemory(compiler.getStandardFileManager(problems, null, null), written)) {
            List<JavaFileObject> units = sources.entrySet().stream()
                    .map(each -> (JavaFileObject) new Source(PACKAGE + each.getKey(), each.getValue()))
                    .toList();
            List<String> options = List.of("-proc:none", "-nowarn", "-cp", classPath());
            boolean good = compiler.getTask(null, files, problems, options, null, units)
                    .call();
            if (!good) {
                throw new IllegalStateException(problems.getDiagnostics().stream()
                        .filter(problem -> problem.getKind() == Diagnostic.Kind.ERROR)
                        .map(problem -> problem + " in " + line(problem))
                        .collect(Collectors.joining("\n")));
            }
        }
        return written.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, each -> each.getValue().toByteArray()));
    }

    private static String line(Diagnostic<? extends JavaFileObject> problem) {
        try {
            return problem.getSource()
                    .getCharContent(true)
                    .toString()
                    .lines()
                    .skip(problem.getLineNumber() - 1)
                    .findFirst()
                    .orElse("");
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    /** Where the classes come from that the copies use; the property of the JVM does not know it under all launchers. */
    private static String classPath() {
        return Stream.of(
                        Off.class,
                        dev.postern.Headers.class,
                        dev.postern.runtime.message.Tokens.class,
                        org.jspecify.annotations.Nullable.class,
                        io.netty.util.AsciiString.class,
                        io.netty.buffer.Unpooled.class,
                        io.netty.channel.embedded.EmbeddedChannel.class,
                        io.netty.handler.codec.DecoderResult.class,
                        io.netty.handler.codec.http.HttpRequest.class,
                        io.vertx.core.MultiMap.class)
                .map(type -> Path.of(URI.create(type.getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toString()))
                        .toString())
                .distinct()
                .collect(Collectors.joining(java.io.File.pathSeparator));
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String name, String text) {
            super(URI.create("string:///" + name.replace('.', '/') + Kind.SOURCE.extension), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignored) {
            return text;
        }
    }

    private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, ByteArrayOutputStream> written;

        InMemory(JavaFileManager files, Map<String, ByteArrayOutputStream> written) {
            super(files);
            this.written = written;
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
            IntFunction<OutputStream> open =
                    size -> written.computeIfAbsent(name, n -> new ByteArrayOutputStream(size));
            return new SimpleJavaFileObject(URI.create("mem:///" + name.replace('.', '/')), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return open.apply(4096);
                }
            };
        }
    }

    /** Loads the copies itself, and all that is package-private with them; the rest comes from the tests' own loader. */
    private static final class Copies extends ClassLoader {
        private final Map<String, byte[]> classes;

        Copies(Map<String, byte[]> classes) {
            super(MutatedRules.class.getClassLoader());
            this.classes = classes;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            byte[] bytes = classes.get(name);
            if (bytes == null) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : defineClass(name, bytes, 0, bytes.length);
            }
        }
    }
}
