package dev.postern.runtime.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The stations of a request and who may know whom; docs/life-of-a-request.md draws it. */
class ArrowsTest {
    private static final String ROOT = "dev.postern.runtime";

    private static final Map<String, List<String>> ARROWS = Map.ofEntries(
            Map.entry("pipeline", List.of()),
            Map.entry("observe", List.of()),
            Map.entry("balancing", List.of()),
            Map.entry("health", List.of("balancing")),
            Map.entry("simulation", List.of("balancing", "health")),
            Map.entry("discovery", List.of("balancing")),
            Map.entry("message", List.of("pipeline")),
            Map.entry("edge", List.of("message")),
            Map.entry("routing", List.of("edge")),
            Map.entry("tls", List.of()),
            Map.entry("forward", List.of("balancing", "message", "observe", "pipeline", "tls")),
            Map.entry("reply", List.of("message", "pipeline")),
            Map.entry("snapshot", List.of("routing", "pipeline", "balancing", "tls")),
            Map.entry(
                    "listener",
                    List.of("edge", "routing", "pipeline", "reply", "message", "observe", "snapshot", "tls")));

    private static final List<String> PLAIN =
            List.of("pipeline", "routing", "balancing", "health", "discovery", "snapshot", "observe", "simulation");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    @Test
    void every_package_is_on_the_map() {
        TreeSet<String> found = new TreeSet<>();
        for (JavaClass type : CLASSES) {
            String name = type.getPackageName();
            if (!name.equals(ROOT)) {
                found.add(name.substring(ROOT.length() + 1));
            }
        }
        assertThat(found).isEqualTo(new TreeSet<>(ARROWS.keySet()));
    }

    @Test
    void packages_depend_along_the_arrows_only() {
        ARROWS.forEach((from, to) -> {
            List<String> forbidden = new ArrayList<>();
            for (String other : ARROWS.keySet()) {
                if (!other.equals(from) && !to.contains(other)) {
                    forbidden.add(ROOT + '.' + other);
                }
            }
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + '.' + from)
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden.toArray(String[]::new))
                    .because("a station of the request knows only " + to + ": whoever reads " + from
                            + " must not have to read the others")
                    .check(CLASSES);
        });
    }

    /** JUnit 4 is on the class path for the interop cases of gRPC; a test written for it would silently not run. */
    @Test
    void no_test_is_written_for_junit_4() throws IOException {
        List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                Files.readString(file)
                        .lines()
                        .filter(line -> line.matches("import (static )?org\\.junit\\.(?!jupiter\\.|platform\\.).*"))
                        .forEach(line -> found.add(file + ": " + line));
            }
        }
        assertThat(found).isEmpty();
    }

    @Test
    void only_the_root_package_wires() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".*")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT)
                .because("the stations are put together in one place, and each can be tested without it")
                .check(CLASSES);
    }

    @Test
    void there_is_no_cycle() {
        slices().matching(ROOT + ".(*)..")
                .should()
                .beFreeOfCycles()
                .because("a cycle is one package with two names")
                .check(CLASSES);
    }

    @Test
    void decisions_are_plain_java() {
        classes()
                .that()
                .resideInAnyPackage(
                        PLAIN.stream().map(name -> ROOT + '.' + name).toArray(String[]::new))
                .should()
                .onlyDependOnClassesThat(new DescribedPredicate<>("are not Vert.x or Netty") {
                    @Override
                    public boolean test(JavaClass type) {
                        String name = type.getPackageName();
                        return !name.startsWith("io.vertx") && !name.startsWith("io.netty");
                    }
                })
                .because("what decides must run in virtual time, in a simulator and in a test without a server")
                .check(CLASSES);
    }

    @Test
    void blocking_waits_live_on_the_control_thread_only() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".*")
                .should()
                .callMethod(java.util.concurrent.CompletableFuture.class, "join")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .because(
                        "everything but the root package may run on an event loop (the watchdog has a thread of its own)")
                .check(CLASSES.that(
                        new DescribedPredicate<>("are not the watchdog, or the stage that refuses to wait") {
                            @Override
                            public boolean test(JavaClass type) {
                                return !type.getSimpleName().equals("Watchdog")
                                        && !type.getSimpleName().equals("LoopStage");
                            }
                        }));
    }
}
