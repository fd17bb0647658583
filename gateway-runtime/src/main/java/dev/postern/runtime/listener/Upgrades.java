package dev.postern.runtime.listener;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.WebSocketRules;
import dev.postern.runtime.edge.RequestHead;
import dev.postern.runtime.message.Handshake;
import dev.postern.runtime.message.Provenance;
import dev.postern.runtime.message.Tokens;
import dev.postern.runtime.pipeline.GatewayExchange;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a request is a WebSocket handshake, and refuses bad ones before any filter sees them. A wish to upgrade to
 * anything else, or on a route that takes no WebSockets, is dropped: it ends at this hop, and the request is served as it is
 * (RFC 9110 7.8).
 */
public final class Upgrades {
    private Upgrades() {}

    /** Judges; called when the route is known, before the exchange runs. */
    public static void judge(RequestHead head, GatewayExchange exchange, boolean draining) {
        WebSocketRules rules = exchange.route().webSockets();
        String upgrade = head.upgrade();
        if (rules == null || upgrade == null || !Tokens.contains(upgrade, "websocket")) {
            return;
        }
        exchange.becomesWebSocket();
        try {
            boolean lastRequest = head.close() || head.length() != 0;
            Handshake handshake =
                    Handshake.of(head.method(), upgrade, head.upgradeNamed(), lastRequest, head.headers());
            checkOrigin(rules, head.headers().get("Origin"), exchange);
            if (draining) {
                throw new GatewayException(Failure.NOT_RUNNING, "the gateway stops and begins no WebSocket");
            }
            exchange.set(Handshake.KEY, handshake);
        } catch (GatewayException refused) {
            exchange.refuse(refused);
        }
    }

    /** RFC 6455 10.2: a browser says which page it comes from, and sends cookies along whatever page that is (T103). */
    private static void checkOrigin(WebSocketRules rules, @Nullable String origin, GatewayExchange exchange) {
        if (origin == null || rules.allowsAnyOrigin()) {
            return;
        }
        String from = withoutDefaultPort(origin.toLowerCase(Locale.ROOT));
        Request original = exchange.original();
        Provenance known = exchange.get(Provenance.KEY);
        String host = known != null && known.host() != null ? known.host() : original.authority();
        boolean same = from.equals(withoutDefaultPort(original.scheme() + "://" + host));
        if (!same
                && rules.origins().stream()
                        .noneMatch(allowed -> withoutDefaultPort(allowed).equals(from))) {
            throw new GatewayException(Failure.ORIGIN_REFUSED, "a handshake from a page of another origin");
        }
    }

    private static String withoutDefaultPort(String origin) {
        boolean usual = (origin.startsWith("http://") && origin.endsWith(":80"))
                || (origin.startsWith("https://") && origin.endsWith(":443"));
        return usual ? origin.substring(0, origin.lastIndexOf(':')) : origin;
    }
}
