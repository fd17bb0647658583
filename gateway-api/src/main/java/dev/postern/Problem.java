package dev.postern;

/**
 * Something that is wrong, or may be wrong, with a configuration.
 *
 * @param severity whether the configuration is refused
 * @param subject the part it is about: {@code route "orders-read"}
 * @param message what is wrong, with the cure in parentheses
 */
public record Problem(Severity severity, String subject, String message) {
    /** What a problem means for the configuration. */
    public enum Severity {
        /** The configuration is refused. */
        ERROR,
        /** The configuration is accepted; somebody should look. */
        WARNING
    }

    /** A problem that refuses the configuration. */
    public static Problem error(String subject, String message) {
        return new Problem(Severity.ERROR, subject, message);
    }

    /** A problem that does not refuse it. */
    public static Problem warning(String subject, String message) {
        return new Problem(Severity.WARNING, subject, message);
    }

    /** {@code route "orders-read": upstream "order" is not defined (defined: orders, users)}. */
    @Override
    public String toString() {
        return subject + ": " + message;
    }
}
