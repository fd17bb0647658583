package dev.postern.traffic;

/** A value that cannot stand where a template wants it. */
final class UnusableValue extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean fromClient;

    UnusableValue(Reference reference, String why) {
        // Without a stack: clients choose how often this happens.
        super(reference + " " + why, null, false, false);
        fromClient = reference.fromClient();
    }

    boolean fromClient() {
        return fromClient;
    }
}
