package dev.postern.traffic;

/** Refuses options out of range, naming option and range. */
final class Ranges {
    private Ranges() {}

    static int range(String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(what + ": " + value + " (expected: " + min + " to " + max + ")");
        }
        return value;
    }
}
