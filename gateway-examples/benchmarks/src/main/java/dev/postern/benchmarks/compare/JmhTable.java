package dev.postern.benchmarks.compare;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What JMH wrote as comma-separated values: a score for each method, parameter and profiler. */
final class JmhTable {
    private final Map<String, Double> scores = new HashMap<>();

    private JmhTable() {}

    /** Reads benchmarks of one parameter each: their column is the eighth. */
    static JmhTable of(List<String> lines) {
        JmhTable table = new JmhTable();
        for (String line : lines.subList(1, lines.size())) {
            List<String> cells = cells(line);
            String[] named = cells.get(0).split(":", 2);
            String method = named[0].substring(named[0].lastIndexOf('.') + 1);
            String metric = named.length == 1 ? "" : named[1].replace("·", "");
            table.scores.put(key(method, cells.get(7), metric), Double.parseDouble(cells.get(4)));
        }
        return table;
    }

    private static List<String> cells(String line) {
        List<String> cells = new ArrayList<>();
        for (String cell : line.split(",", -1)) {
            cells.add(cell.replace("\"", ""));
        }
        return cells;
    }

    private static String key(String method, String parameter, String metric) {
        return method + '/' + parameter + '/' + metric;
    }

    /** A score; the metric of the benchmark itself has no name. NaN if it is not there. */
    double value(String method, String parameter, String metric) {
        return Objects.requireNonNullElse(scores.get(key(method, parameter, metric)), Double.NaN);
    }
}
