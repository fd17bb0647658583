package dev.postern.runtime.listener;

import dev.postern.Limits;
import dev.postern.Listener;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an entry needs to know of the door it stands in. */
public record EntrySettings(
        @Nullable String name,
        List<String> trustedProxies,
        @Nullable String healthPath,
        int maxHeaders,
        Duration writeTimeout,
        int minBodyRate,
        Duration bodyRateWindow) {
    /** The settings of a listener. */
    static EntrySettings of(Listener listener) {
        return new EntrySettings(
                listener.name(),
                listener.trustedProxies(),
                listener.healthPath(),
                listener.limits().maxHeaders(),
                listener.limits().writeTimeout(),
                listener.limits().minBodyRate(),
                listener.limits().bodyRateWindow());
    }

    /** For requests that a server of the host hands over: nobody is trusted, the standard limits. */
    public static EntrySettings mounted(List<String> trustedProxies) {
        return new EntrySettings(
                null,
                List.copyOf(trustedProxies),
                null,
                Limits.standard().maxHeaders(),
                Limits.standard().writeTimeout(),
                Limits.standard().minBodyRate(),
                Limits.standard().bodyRateWindow());
    }
}
