package dev.postern.runtime;

import dev.postern.Gateway;

/** What a gateway holds, for rigs outside its package. */
public final class Leases {
    private Leases() {}

    /** {@code exchanges=0 attempts=0 kept=0} when nothing is left. */
    public static String of(Gateway gateway) {
        return gateway instanceof VertxGateway mine ? mine.leases() : "";
    }
}
