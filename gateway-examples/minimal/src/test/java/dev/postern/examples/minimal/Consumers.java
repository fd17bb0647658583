package dev.postern.examples.minimal;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Builds and runs the applications of {@code .ci/consumers} as somebody else's: in an empty folder outside the project, by
 * a Maven of their own, with what the README says and with packaged artifacts.
 *
 * <p>That Maven has the local repository of this machine, so that nothing is downloaded twice, less what it may hold of
 * {@code dev.postern}: in its place stand the artifacts under test. Nothing of them gets into the real one. It consists of
 * links, which {@link #close} removes: whoever empties the folder after that cannot reach what they lead to.
 *
 * <p>Needs nothing but the JDK: {@code .ci/release-dry-run} starts this file as it is.
 */
public final class Consumers implements AutoCloseable {
    /** The folders of .ci/consumers, each with the class to run. */
    enum Consumer {
        PLAIN("plain", "Check"),
        WITH_BOM("with-bom", "FiltersCheck"),
        SPRING_BOOT("spring-boot", "Application"),
        MODULE_PATH("module-path", "Check"),
        MODULE_PATH_FILTERS("module-path-filters", "FiltersCheck");

        private final String folder;
        private final String main;

        Consumer(String folder, String main) {
            this.folder = folder;
            this.main = "org.example." + main;
        }

        private boolean modules() {
            return this == MODULE_PATH || this == MODULE_PATH_FILTERS;
        }

        private boolean filters() {
            return this != PLAIN && this != MODULE_PATH;
        }
    }

    /** With downloads: a machine that has never built anything. */
    private static final int BUILD_SECONDS = 600;

    private static final int RUN_SECONDS = 60;

    /** Short lives are not worth the second compiler. */
    private static final String QUICK_START = "-XX:TieredStopAtLevel=1";

    private static final Pattern XML = Pattern.compile("```xml\n(.*?)```", Pattern.DOTALL);
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    /** tcnative has numbers of its own. */
    private static final Pattern NETTY = Pattern.compile("/io/netty/netty-(?!tcnative)[^/]*/([^/]*)/");

    private static final Pattern JACKSON = Pattern.compile("/jackson-databind/([^/]*)/");
    private static final Pattern MANAGED_NETTY =
            Pattern.compile("<artifactId>netty-bom</artifactId>\\s*<version>([^<]*)<");

    /** What is optional for us must not reach an application that did not ask for it. */
    private static final Pattern OPTIONAL = Pattern.compile("/tools/jackson/|/micrometer-core/|/junit|/assertj"
            + "|/netty-(transport|codec)-native-(epoll|io_uring|kqueue|quic)/");

    private static final Pattern VERSION = Pattern.compile(
            "(<groupId>dev\\.postern</groupId>\\s*<artifactId>[^<]*</artifactId>\\s*<version>)[^<]*(<)");

    private final Path project;
    private final Path work;
    private final String version;
    private final List<Path> links = new ArrayList<>();

    /** {@code work} is an empty folder, not below {@code project}. */
    Consumers(Path project, Path work, String version) {
        this.project = project;
        this.work = work;
        this.version = version;
    }

    /**
     * Arguments: the project, an empty folder, the version, a folder laid out as a Maven repository that has it, the local
     * repository, the home of Maven, its settings.
     */
    public static void main(String[] args) throws Exception {
        List<String> wrong = new ArrayList<>();
        try (Consumers consumers = new Consumers(Path.of(args[0]), Path.of(args[1]), args[2])) {
            copy(Path.of(args[3]).resolve("dev/postern"), consumers.artifacts());
            consumers.build(Path.of(args[4]), Path.of(args[5]), Path.of(args[6]), false);
            for (Consumer consumer : Consumer.values()) {
                consumers.run(consumer);
                System.out.println("  " + consumers.summary(consumer));
                wrong.addAll(consumers.misresolved(consumer));
            }
        }
        if (!wrong.isEmpty()) {
            throw new AssertionError(String.join("\n", wrong));
        }
    }

    /** Where the artifacts under test are to be put, each in artifact/version. */
    Path artifacts() {
        return work.resolve("repository/dev/postern");
    }

    /** Builds all of them with one Maven. */
    void build(Path localRepository, Path mavenHome, Path settings, boolean offline)
            throws IOException, InterruptedException {
        Path applications = work.resolve("applications");
        copy(project.resolve(".ci/consumers"), applications);
        for (Consumer consumer : Consumer.values()) {
            fill(consumer, applications.resolve(consumer.folder));
        }
        List<String> command = new ArrayList<>(List.of(
                mavenHome.resolve(windows() ? "bin/mvn.cmd" : "bin/mvn").toString(),
                "-B",
                "-q",
                "-Dmaven.repo.local=" + borrowed(localRepository),
                "-Dpostern.version=" + version));
        if (Files.isRegularFile(settings)) {
            command.addAll(List.of("-s", settings.toString()));
        }
        if (offline) {
            command.add("-o");
        }
        command.add("package");
        execute("the build of the consumers", applications, command, BUILD_SECONDS);
    }

    /** Runs one and returns what it printed. */
    String run(Consumer consumer) throws IOException, InterruptedException {
        Path target = work.resolve("applications").resolve(consumer.folder).resolve("target");
        String path = target.resolve("application.jar") + File.pathSeparator + Files.readString(classpath(consumer));
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m", QUICK_START));
        if (consumer.modules()) {
            command.addAll(List.of("--module-path", path, "--module", "org.example/" + consumer.main, "modules"));
        } else {
            command.addAll(List.of("-cp", path, consumer.main, "classpath"));
        }
        return execute(consumer.folder, target, command, RUN_SECONDS);
    }

    /** What is wrong with the artifacts that one of them got. */
    List<String> misresolved(Consumer consumer) throws IOException {
        List<String> wrong = new ArrayList<>();
        List<String> jars = jars(consumer);
        jars.stream().filter(jar -> OPTIONAL.matcher(jar).find()).forEach(jar -> wrong.add("not asked for: " + jar));
        Set<String> nettys = versions(jars, NETTY);
        if (consumer == Consumer.SPRING_BOOT ? nettys.size() != 1 : !nettys.equals(Set.of(managedNetty()))) {
            wrong.add("Netty: " + nettys + " (ours is " + managedNetty() + ')');
        }
        return wrong;
    }

    private String summary(Consumer consumer) throws IOException {
        List<String> jars = jars(consumer);
        return consumer.folder + ": runs; " + jars.size() + " jars, Netty " + versions(jars, NETTY) + ", Jackson "
                + versions(jars, JACKSON);
    }

    /** Their paths in the repository, so with group and version, and without the name of a temporary folder. */
    private List<String> jars(Consumer consumer) throws IOException {
        return Arrays.stream(Files.readString(classpath(consumer)).trim().split(File.pathSeparator))
                .map(jar -> jar.substring(work.resolve("repository").toString().length())
                        .replace('\\', '/'))
                .toList();
    }

    private static Set<String> versions(List<String> jars, Pattern artifact) {
        Set<String> versions = new TreeSet<>();
        for (String jar : jars) {
            Matcher found = artifact.matcher(jar);
            if (found.find()) {
                versions.add(found.group(1));
            }
        }
        return versions;
    }

    private String managedNetty() throws IOException {
        Matcher found = MANAGED_NETTY.matcher(Files.readString(
                artifacts().resolve("gateway-bom").resolve(version).resolve("gateway-bom-" + version + ".pom")));
        if (!found.find()) {
            throw new AssertionError("the BOM does not import netty-bom");
        }
        return found.group(1);
    }

    private Path classpath(Consumer consumer) {
        return work.resolve("applications").resolve(consumer.folder).resolve("target/classpath.txt");
    }

    // ---- the application

    private void fill(Consumer consumer, Path folder) throws IOException {
        Path pom = folder.resolve("pom.xml");
        String text = Files.readString(pom);
        for (String page : List.of("README.md", "docs/getting-started.md")) {
            String blocks =
                    VERSION.matcher(first(XML, page)).replaceAll("$1" + Matcher.quoteReplacement(version) + "$2");
            text = text.replace("<!-- " + page + " -->", blocks);
        }
        Files.writeString(pom, text);

        Path sources = Files.createDirectories(folder.resolve("src/main/java/org/example"));
        Files.writeString(
                sources.resolve("Minimal.java"),
                "package org.example;\n\nimport dev.postern.*;\n\n" + first(JAVA, "README.md"));
        Path shared = project.resolve(".ci/consumers/shared");
        Files.copy(shared.resolve("Check.java"), sources.resolve("Check.java"));
        if (consumer.filters()) {
            Files.copy(shared.resolve("FiltersCheck.java"), sources.resolve("FiltersCheck.java"));
        }
    }

    private String first(Pattern block, String page) throws IOException {
        Matcher found = block.matcher(Files.readString(project.resolve(page)));
        if (!found.find()) {
            throw new IllegalStateException(page + " has no block " + block);
        }
        return found.group(1);
    }

    // ---- Maven

    /** The folder with the artifacts, and links to everything else that the real local repository has. */
    private Path borrowed(Path localRepository) throws IOException {
        Path repository = work.resolve("repository");
        try {
            link(localRepository, repository, "dev");
            link(localRepository.resolve("dev"), repository.resolve("dev"), "postern");
        } catch (UnsupportedOperationException | IOException noLinks) {
            // Windows without the privilege: then it downloads everything again.
            System.out.println("no links to " + localRepository + ": " + noLinks);
        }
        return repository;
    }

    private void link(Path from, Path into, String except) throws IOException {
        if (!Files.isDirectory(from)) {
            return;
        }
        Files.createDirectories(into);
        try (Stream<Path> all = Files.list(from)) {
            for (Path one : all.toList()) {
                if (!one.getFileName().toString().equals(except)) {
                    links.add(Files.createSymbolicLink(into.resolve(one.getFileName()), one.toAbsolutePath()));
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (Path link : links) {
            Files.delete(link);
        }
        links.clear();
    }

    private String execute(String what, Path folder, List<String> command, int seconds)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile(work, "output", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        Map<String, String> environment = builder.environment();
        environment.merge("MAVEN_OPTS", QUICK_START, (given, ours) -> given + ' ' + ours);
        environment.put("JAVA_HOME", System.getProperty("java.home"));
        // What the Maven around us has said about our project is nothing for another one.
        environment.keySet().removeAll(List.of("MAVEN_BASEDIR", "MAVEN_PROJECTBASEDIR", "MAVEN_CMD_LINE_ARGS"));
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            String printed = Files.readString(output);
            if (!ended || process.exitValue() != 0) {
                throw new AssertionError(what + (ended ? " failed with " + process.exitValue() : " did not end") + " ("
                        + String.join(" ", command) + "):\n" + printed);
            }
            return printed;
        } finally {
            process.destroyForcibly();
        }
    }

    private static boolean windows() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                if (folder.endsWith("target")) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                Files.createDirectories(to.resolve(from.relativize(folder)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.REPLACE_EXISTING);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
