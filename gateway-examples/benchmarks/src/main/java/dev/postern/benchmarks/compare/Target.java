package dev.postern.benchmarks.compare;

import java.util.Locale;

/**
 * What a figure must stay below, and what would be better still; NaN where there is no such bound.
 *
 * @param unit what follows both numbers, as in {@code × raw}
 */
record Target(double most, double stretch, String unit) {
    static Target atMost(double most, double stretch, String unit) {
        return new Target(most, stretch, unit);
    }

    static Target atMost(double most, String unit) {
        return new Target(most, Double.NaN, unit);
    }

    static Target stretch(double stretch, String unit) {
        return new Target(Double.NaN, stretch, unit);
    }

    /** The target and whether it was met, by this figure alone. */
    String verdict(double seen) {
        if (Double.isNaN(seen)) {
            return "≤ " + number(Double.isNaN(most) ? stretch : most) + ' ' + unit + ": not measured";
        }
        if (Double.isNaN(most)) {
            return "stretch ≤ " + number(stretch) + ' ' + unit + better(seen);
        }
        String text = "≤ " + number(most) + ' ' + unit + (seen <= most ? ": met" : ": **missed**");
        return Double.isNaN(stretch) ? text : text + "; stretch ≤ " + number(stretch) + better(seen);
    }

    private String better(double seen) {
        return seen <= stretch ? ": met" : ": missed";
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : String.format(Locale.ROOT, "%.2f", value);
    }
}
