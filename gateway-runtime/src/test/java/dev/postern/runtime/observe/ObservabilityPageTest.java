package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Failure;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.AccessLog;
import dev.postern.runtime.MicrometerMetrics;
import dev.postern.runtime.TraceContext;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Holds docs/concepts/observability.md to what the code says. */
class ObservabilityPageTest {
    private static final Path PAGE = Path.of("..", "docs", "concepts", "observability.md");
    private static final Path SELF = Path.of("src/test/java/dev/postern/runtime/observe/ObservabilityPageTest.java");

    private List<String> page;

    @BeforeEach
    void read() throws IOException {
        page = Files.readAllLines(PAGE);
    }

    @Test
    void the_table_of_meters_is_the_enum() {
        assertThat(rowsBelow("| meter |"))
                .containsExactlyElementsOf(Arrays.stream(GatewayMeter.values())
                        .map(meter -> "| `" + meter.meter() + "` | "
                                + meter.kind().name().toLowerCase(Locale.ROOT)
                                + (meter.unit().isEmpty() ? "" : ", " + meter.unit()) + " | "
                                + meter.labels().stream()
                                        .map(label -> "`" + label + "`")
                                        .collect(Collectors.joining(", "))
                                + " | " + meter.meaning() + " |")
                        .toList());
    }

    @Test
    void the_table_of_fields_is_the_enum() {
        assertThat(rowsBelow("| field |"))
                .containsExactlyElementsOf(Arrays.stream(AccessLogField.values())
                        .map(field -> "| `" + field.key() + "` | " + field.meaning() + " | " + field.limit() + " |")
                        .toList());
    }

    @Test
    void the_example_compiles() throws IOException {
        // What runs here is a configuration, not a gateway: this is no test of the runtime.
        MeterRegistry registry = new SimpleMeterRegistry();
        // @start region="setup"
        GatewayBuilder gateway = Gateway.builder()
                .listen(Listener.http(8080))
                .filter(TraceContext.restartingUntrusted())
                .observe(AccessLog.json().sample(0.1).slowerThan(Duration.ofSeconds(1)))
                .observe(MicrometerMetrics.to(registry))
                .upstream(Upstream.builder("orders")
                        .endpoints("http://10.0.0.7:8081")
                        .build())
                .route(Route.builder("orders")
                        .match(Match.prefix("/orders"))
                        .to("orders")
                        .build());
        // @end
        assertThat(gateway.toConfig().observers()).hasSize(2);
        String source = Files.readString(SELF);
        String region = source.substring(source.indexOf("region=\"setup\"") + 14, source.indexOf("// @end"));
        String shown = String.join("\n", page);
        shown = shown.substring(shown.indexOf("```java") + 7);
        shown = shown.substring(0, shown.indexOf("```"));
        assertThat(squeezed(shown))
                .isEqualTo(squeezed(region).replace("GatewayBuilder", "Gateway").replaceAll(";$", ".build();"));
    }

    @Test
    void the_proxy_status_shown_is_the_one_written() {
        assertThat(page).contains("Proxy-Status: " + ProxyStatus.of("postern", Failure.CONNECT_TIMEOUT, null));
    }

    private List<String> rowsBelow(String heading) {
        List<String> rows = page.stream()
                .dropWhile(line -> !line.startsWith(heading))
                .takeWhile(line -> line.startsWith("|"))
                .toList();
        assertThat(rows).as("table %s on %s", heading, PAGE).hasSizeGreaterThan(2);
        return rows.subList(2, rows.size());
    }

    private static String squeezed(String code) {
        return code.replaceAll("\\s", "");
    }
}
