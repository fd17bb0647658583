package dev.postern.examples.minimal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.examples.minimal.Consumers.Consumer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the README promises holds for applications outside the project, with the jars and POMs that would be published. */
class ConsumersIT {
    private static final Path PROJECT = Path.of("..", "..").toAbsolutePath().normalize();
    private static final String VERSION = System.getProperty("postern.version");

    @TempDir
    static Path outside;

    private static Consumers consumers;

    @BeforeAll
    static void build_them_with_a_maven_of_their_own() throws Exception {
        consumers = new Consumers(PROJECT, outside.toRealPath(), VERSION);
        stage("gateway-bom", PROJECT, false);
        for (String module :
                List.of("gateway-api", "gateway-runtime", "gateway-filters-security", "gateway-filters-traffic")) {
            stage(module, PROJECT.resolve(module), true);
        }
        consumers.build(
                Path.of(System.getProperty("maven.local.repository")),
                Path.of(System.getProperty("maven.home")),
                Path.of(System.getProperty("maven.settings").substring("settings=".length())),
                System.getProperty("maven.offline").equals("offline=true"));
    }

    @AfterAll
    static void remove_the_links_to_the_local_repository() throws IOException {
        consumers.close();
    }

    /** As an installation would lay it out: the flattened POM, the jar. */
    private static void stage(String artifact, Path folder, boolean jar) throws IOException {
        String name = artifact + '-' + VERSION;
        Path staged =
                Files.createDirectories(consumers.artifacts().resolve(artifact).resolve(VERSION));
        Files.copy(folder.resolve(".flattened-pom.xml"), staged.resolve(name + ".pom"));
        if (jar) {
            Files.copy(folder.resolve("target").resolve(name + ".jar"), staged.resolve(name + ".jar"));
        }
    }

    @Test
    void the_readme_is_enough_on_the_class_path() throws Exception {
        assertThat(consumers.run(Consumer.PLAIN)).contains("check passed: classpath");
    }

    @Test
    void the_bom_and_all_modules_work_on_the_class_path() throws Exception {
        assertThat(consumers.run(Consumer.WITH_BOM))
                .contains("check passed: classpath", "check of filters passed: classpath");
    }

    @Test
    void a_spring_boot_application_may_have_the_versions_of_boot() throws Exception {
        assertThat(consumers.run(Consumer.SPRING_BOOT))
                .contains("check passed: classpath", "check of filters passed: classpath");
    }

    @Test
    void the_readme_is_enough_for_a_java_module() throws Exception {
        assertThat(consumers.run(Consumer.MODULE_PATH)).contains("check passed: modules");
    }

    @Test
    void all_modules_work_for_a_java_module() throws Exception {
        assertThat(consumers.run(Consumer.MODULE_PATH_FILTERS))
                .contains("check passed: modules", "check of filters passed: modules");
    }

    @ParameterizedTest
    @EnumSource
    void nobody_gets_what_he_did_not_ask_for(Consumer consumer) throws Exception {
        assertThat(consumers.misresolved(consumer)).isEmpty();
    }
}
