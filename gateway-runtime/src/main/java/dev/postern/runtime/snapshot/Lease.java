package dev.postern.runtime.snapshot;

/** What a configuration holds on to for as long as it is in use. Safe on any thread. */
@FunctionalInterface
public interface Lease {
    /** Lets go; what nobody else holds ends. Harmless when called twice. */
    void release();
}
