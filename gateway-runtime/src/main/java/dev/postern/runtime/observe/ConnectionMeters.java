package dev.postern.runtime.observe;

/** Implemented by observers that also show listeners, whose connections belong to no exchange. */
public interface ConnectionMeters {
    /** What is known of a listener; on any thread, about once a second. */
    void connections(String listener, ListenerFigures figures);

    /** The listener is no more. */
    void closed(String listener);
}
