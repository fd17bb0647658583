package dev.postern.benchmarks.compare;

import java.util.Locale;
import java.util.Map;

/** Draws bars, as an SVG that reads on light and on dark pages. */
final class Chart {
    private static final int BAR = 22;
    private static final int LEFT = 170;
    private static final int WIDTH = 720;

    private Chart() {}

    /** One bar for each name, the shortest first. */
    static String bars(String title, Map<String, Double> values) {
        double most = values.values().stream().mapToDouble(value -> value).max().orElse(1);
        int height = 40 + values.size() * (BAR + 8);
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">%n"
                        + "<text x=\"8\" y=\"22\" font-weight=\"bold\" fill=\"#888\">%s</text>%n",
                WIDTH,
                height,
                title));
        int[] y = {36};
        values.entrySet().stream().sorted(Map.Entry.comparingByValue()).forEach(each -> {
            double length = (WIDTH - LEFT - 60) * each.getValue() / most;
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#888\">%s</text>"
                            + "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
                            + "<text x=\"%.1f\" y=\"%d\" fill=\"#888\">%.1f</text>%n",
                    LEFT - 8,
                    y[0] + 16,
                    each.getKey(),
                    LEFT,
                    y[0],
                    length,
                    BAR,
                    each.getKey().startsWith("postern") ? "#2b7bba" : "#b0b0b0",
                    LEFT + length + 6,
                    y[0] + 16,
                    each.getValue()));
            y[0] += BAR + 8;
        });
        return svg.append("</svg>\n").toString();
    }
}
