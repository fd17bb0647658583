package dev.postern.runtime.discovery;

import dev.postern.Services;

/** What discoveries of this module need beyond what any part may ask for. */
public interface SourceServices extends Services {
    /** Questions to the domain name system. */
    Lookups lookups();

    /** Calls that are read while they come. */
    LineCalls lineCalls();

    /**
     * The services as these.
     *
     * @throws IllegalStateException when they are lent by something else than a running gateway of this module
     */
    static SourceServices of(Services services) {
        if (services instanceof SourceServices ours) {
            return ours;
        }
        throw new IllegalStateException("this discovery works inside a gateway run by VertxRuntime only (services: "
                + services.getClass().getName() + ")");
    }
}
