package dev.postern.runtime.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Upstream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The simulator finds bugs: each of these is planted into the source of the policies, compiled, and run in the trap that is laid
 * for it. So no seam of the product exists for the sake of this test, and a bug whose place is gone from the source fails it.
 */
class PlantedBugsTest {
    private static final Path API = Path.of("..", "gateway-api", "src", "main", "java", "dev", "postern");
    private static final Path BALANCING = Path.of("src", "main", "java", "dev", "postern", "runtime", "balancing");
    private static final Path HEALTH = Path.of("src", "main", "java", "dev", "postern", "runtime", "health");
    private static final Logger LOG = Logger.getLogger("dev.postern.health");

    /** A bug, the trap for it, and what the simulator says. Edits are pairs: what stands there, what is put in its place. */
    record Bug(String name, String trap, String found, Path source, List<String> edits) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Bug> bugs() {
        return List.of(
                new Bug(
                        "permit leaked on cancel",
                        "permits",
                        "permits were never given back",
                        BALANCING.resolve("Selection.java"),
                        List.of(
                                "private final long begun;",
                                "private final long begun; private boolean told;",
                                "public void answered(int status) {",
                                "public void answered(int status) { told = true;",
                                "public void unanswered(Failure failure) {",
                                "public void unanswered(Failure failure) { told = true;",
                                "endpoint.end();",
                                "if (told) { endpoint.end(); }")),
                new Bug(
                        "budget not refunded",
                        "budget",
                        "a retry was refused although the budget has one",
                        BALANCING.resolve("Attempts.java"),
                        List.of("view.pace().budget().refund(allowed);", "")),
                new Bug(
                        "ejection cap off by one",
                        "share",
                        "endpoints are ejected (at most one more than",
                        HEALTH.resolve("OutlierDetector.java"),
                        List.of(">= now.maxEjectedShare()", "> now.maxEjectedShare()")),
                new Bug(
                        "retry after the deadline",
                        "deadline",
                        "ns before the deadline",
                        BALANCING.resolve("Attempts.java"),
                        List.of("|| pause >= remainingNanos", "")),
                new Bug(
                        "stale endpoint used",
                        "stale",
                        "which has left the list",
                        BALANCING.resolve("Attempts.java"),
                        List.of("allowed = -1;\n        view = views.get();", "allowed = -1;")),
                new Bug(
                        "half-open over-admission",
                        "probes",
                        "gets two probes at a time",
                        BALANCING.resolve("EndpointState.java"),
                        List.of("MARK.compareAndSet(this, seen, probe) ? probe : null", "probe")),
                new Bug(
                        "EWMA never decays",
                        "forgiving",
                        "forgives within",
                        BALANCING.resolve("Latency.java"),
                        List.of("Math.exp(-Math.max(0, now - at) / DECAY_NANOS)", "1")),
                new Bug(
                        "slow start skipped",
                        "warming",
                        "warms up below",
                        BALANCING.resolve("EndpointState.java"),
                        List.of("Math.min(1, Math.max(COLD, passed))", "1")),
                new Bug(
                        "hedge loser kept",
                        "losers",
                        "attempts under way",
                        BALANCING.resolve("Attempts.java"),
                        List.of("Selection other = other(winner);", "Selection other = null;")),
                new Bug(
                        "panic inverted",
                        "panic",
                        "which is ejected, while",
                        BALANCING.resolve("Groups.java"),
                        List.of("well < panicThreshold * members", "well >= panicThreshold * members")),
                new Bug(
                        "jitter 0",
                        "jitter",
                        "pauses before retries only",
                        BALANCING.resolve("Attempts.java"),
                        List.of("(longest * view.pace().chance())", "longest")),
                new Bug(
                        "counter wrap",
                        "wrap",
                        "the policies threw",
                        API.resolve("Balancers.java"),
                        List.of("Math.floorMod(ticket, (long) size)", "(ticket % size)")));
    }

    @BeforeAll
    static void quiet() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void loud() {
        LOG.setLevel(null);
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void is_found_and_is_not_there_without_being_planted(Bug bug) throws Exception {
        assertThat(Traps.spring(bug.trap())).as("without the bug").isNull();
        String complaint = sprung(bug);
        assertThat(complaint).as("with the bug").isNotNull().contains(bug.found());
    }

    private static @Nullable String sprung(Bug bug) throws Exception {
        String source = Files.readString(bug.source());
        for (int i = 0; i < bug.edits().size(); i += 2) {
            assertThat(source).as("%s has moved", bug).contains(bug.edits().get(i));
            source = source.replace(bug.edits().get(i), bug.edits().get(i + 1));
        }
        Class<?> trap = new Infected(compiled(bug.source(), source)).loadClass(Traps.class.getName());
        Method spring = trap.getDeclaredMethod("spring", String.class);
        spring.setAccessible(true);
        return (String) spring.invoke(null, bug.trap());
    }

    /** The classes of one source file, by name. */
    private static Map<String, byte[]> compiled(Path path, String source) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Map<String, ByteArrayOutputStream> outputs = new HashMap<>();
        StringWriter complaints = new StringWriter();
        try (StandardJavaFileManager standard = compiler.getStandardFileManager(null, null, null)) {
            JavaFileManager manager = new ForwardingJavaFileManager<>(standard) {
                @Override
                public JavaFileObject getJavaFileForOutput(
                        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
                    return new SimpleJavaFileObject(URI.create("memory:///" + name.replace('.', '/')), kind) {
                        @Override
                        public OutputStream openOutputStream() {
                            return outputs.computeIfAbsent(name, made -> new ByteArrayOutputStream());
                        }
                    };
                }
            };
            JavaFileObject unit =
                    new SimpleJavaFileObject(
                            URI.create("memory:///" + path.getFileName()), JavaFileObject.Kind.SOURCE) {
                        @Override
                        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                            return source;
                        }
                    };
            boolean fine = compiler.getTask(
                            complaints,
                            manager,
                            null,
                            List.of("-proc:none", "-nowarn", "-cp", classPath()),
                            null,
                            List.of(unit))
                    .call();
            assertThat(fine).as("%s", complaints).isTrue();
        }
        Map<String, byte[]> classes = new HashMap<>();
        outputs.forEach((name, bytes) -> classes.put(name, bytes.toByteArray()));
        return classes;
    }

    private static String classPath() throws Exception {
        StringBuilder path = new StringBuilder();
        for (Class<?> type : List.of(Upstream.class, Simulation.class, Nullable.class)) {
            path.append(Path.of(type.getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI()))
                    .append(File.pathSeparatorChar);
        }
        return path.toString();
    }

    /** Loads the product anew, some classes of it changed. */
    private static final class Infected extends ClassLoader {
        private final Map<String, byte[]> changed;

        Infected(Map<String, byte[]> changed) {
            super(PlantedBugsTest.class.getClassLoader());
            this.changed = changed;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith("dev.postern.")) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                if (known != null) {
                    return known;
                }
                byte[] bytes = changed.get(name);
                try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                    if (bytes == null && in == null) {
                        throw new ClassNotFoundException(name);
                    }
                    byte[] own = bytes == null ? in.readAllBytes() : bytes;
                    return defineClass(name, own, 0, own.length);
                } catch (IOException broken) {
                    throw new ClassNotFoundException(name, broken);
                }
            }
        }
    }
}
