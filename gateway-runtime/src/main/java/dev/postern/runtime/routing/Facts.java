package dev.postern.runtime.routing;

import dev.postern.ClientInfo;
import dev.postern.Request;
import dev.postern.TimeSource;
import java.time.Instant;
import java.time.ZoneId;
import org.jspecify.annotations.Nullable;

/**
 * What conditions ask about one request, looked up once: ten thousand routes that look at one header read it once, and all
 * time windows see the same instant. Confined to the search it was made for.
 */
final class Facts {
    // One bit each in a long; names beyond are looked up every time.
    static final int MAX_SLOTS = Long.SIZE;

    private final Request request;
    private final ClientInfo client;
    private final TimeSource time;
    private final int slots;
    private long known;
    private @Nullable String @Nullable [] texts;
    private @Nullable Cidr address;
    private @Nullable Instant now;
    private @Nullable ZoneId zone;
    private long nanoOfDay;

    Facts(Request request, ClientInfo client, TimeSource time, int slots) {
        this.request = request;
        this.client = client;
        this.time = time;
        this.slots = Math.min(slots, MAX_SLOTS);
    }

    Request request() {
        return request;
    }

    /** The first value called {@code name}, or null. */
    @Nullable
    String text(TextSource source, String name, int slot) {
        if (slot >= slots) {
            return source.first(request, name);
        }
        if (texts == null) {
            texts = new String[slots];
        }
        if ((known & 1L << slot) == 0) {
            known |= 1L << slot;
            texts[slot] = source.first(request, name);
        }
        return texts[slot];
    }

    Cidr address() {
        if (address == null) {
            address = Cidr.of(client.address());
        }
        return address;
    }

    Instant now() {
        if (now == null) {
            now = time.now();
        }
        return now;
    }

    /** Nanoseconds since midnight in a zone; the last zone is kept, for rules of summer time allocate. */
    long nanoOfDay(ZoneId inZone) {
        if (!inZone.equals(zone)) {
            Instant at = now();
            long second = at.getEpochSecond() + inZone.getRules().getOffset(at).getTotalSeconds();
            nanoOfDay = Math.floorMod(second, 86_400) * 1_000_000_000L + at.getNano();
            zone = inZone;
        }
        return nanoOfDay;
    }
}
