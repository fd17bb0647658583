package dev.postern.benchmarks.compare;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How long and how often to measure.
 *
 * @param rounds visits of each proxy that count
 * @param seconds of each visit
 * @param warm answers that a proxy has given before it counts
 * @param minutes after which no further row begins
 * @param out where table and chart go
 * @param spring the jars of Spring Cloud Gateway, or null where there are none
 */
record Settings(
        int rounds,
        double seconds,
        long warm,
        int minutes,
        Path out,
        @Nullable Path spring) {
    private static final Set<String> KNOWN =
            Set.of("rows", "rounds", "seconds", "warm", "minutes", "out", "spring", "limit");

    static Settings of(Map<String, String> options) {
        for (String name : options.keySet()) {
            if (!KNOWN.contains(name)) {
                throw new IllegalArgumentException("option " + name + " (expected: one of " + KNOWN + ")");
            }
        }
        return new Settings(
                Integer.parseInt(options.getOrDefault("rounds", "7")),
                Double.parseDouble(options.getOrDefault("seconds", "1")),
                Long.parseLong(options.getOrDefault("warm", "200000")),
                Integer.parseInt(options.getOrDefault("minutes", "40")),
                Path.of(options.getOrDefault("out", "target/compare")),
                spring(options.get("spring")));
    }

    private static @Nullable Path spring(@Nullable String given) {
        List<String> places = given != null
                ? List.of(given)
                : List.of(
                        "spring-cloud-gateway/target/all",
                        "gateway-examples/benchmarks/spring-cloud-gateway/target/all");
        return places.stream()
                .map(Path::of)
                .filter(Files::isDirectory)
                .findFirst()
                .orElse(null);
    }
}
