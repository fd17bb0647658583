package dev.postern.runtime.message;

/** Takes the fields of a head that is being written, in their order. */
@FunctionalInterface
public interface FieldSink {
    /** One line. */
    void add(CharSequence name, CharSequence value);

    /** One line of {@link dev.postern.Headers}: what may stand in a line was looked at when they were made. */
    default void pass(String name, String value) {
        add(name, value);
    }
}
