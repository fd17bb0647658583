package dev.postern.runtime.balancing;

import dev.postern.RequestKey;
import dev.postern.StickyCookie;
import dev.postern.Upstream;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What of an exchange decides about its endpoint, found out once.
 *
 * @param balancing the value of the balancer's key, or null
 * @param subset the value of the subset's key, or null for all endpoints
 * @param pin what the sticky cookie says, whatever it is, or null
 */
public record Keys(
        @Nullable String balancing,
        @Nullable String subset,
        @Nullable String pin) {
    /** Any endpoint will do. */
    public static final Keys NONE = new Keys(null, null, null);

    /**
     * Those that an upstream asks for.
     *
     * @param value of a key for the exchange, or null when it has none
     */
    public static Keys of(Upstream config, Function<RequestKey, @Nullable String> value) {
        RequestKey balancing = config.loadBalancer().key();
        RequestKey subset = config.subsetKey();
        RequestKey pin = config.loadBalancer() instanceof StickyCookie cookie
                ? (request, exchange) -> PinCookie.presented(request.headers(), cookie.name())
                : null;
        return balancing == null && subset == null && pin == null
                ? NONE
                : new Keys(
                        balancing == null ? null : value.apply(balancing),
                        subset == null ? null : value.apply(subset),
                        pin == null ? null : value.apply(pin));
    }
}
