package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What was seen: printed at once, and written as a table in Markdown and a chart after each row. */
final class Report {
    private final Settings settings;
    private final List<String> lines = new ArrayList<>();
    private final List<String> leftOut = new ArrayList<>();
    private final Map<String, Double> chart = new LinkedHashMap<>();

    Report(Settings settings) {
        this.settings = settings;
    }

    void add(String number, String what, String seen, String verdict) {
        String line = "| " + number + " | " + what + " | " + seen + " | " + verdict + " |";
        lines.add(line);
        System.out.println(line);
    }

    /** So that nobody takes what is missing for something that was not asked. */
    void leaveOut(String number, String what, String why) {
        String line = "row " + number + ": " + what + " is left out: " + why;
        leftOut.add(line);
        System.out.println("!! " + line);
    }

    void chart(String name, double micros) {
        chart.put(name, micros);
    }

    void write() throws IOException, InterruptedException {
        Files.createDirectories(settings.out());
        try (PrintStream table =
                new PrintStream(settings.out().resolve("table.md").toFile(), StandardCharsets.UTF_8)) {
            table.printf(
                    "%s, %s, %d rounds of %.1f s%n%n",
                    LocalDate.now(ZoneOffset.UTC), Contestants.versions(), settings.rounds(), settings.seconds());
            table.println("| # | workload | seen | target |\n|---|---|---|---|");
            lines.forEach(table::println);
            table.println();
            leftOut.forEach(line -> table.println("* " + line));
        }
        if (!chart.isEmpty()) {
            Files.writeString(settings.out().resolve("chart.svg"), Chart.bars("processor time of a GET, µs", chart));
        }
    }
}
