package dev.postern.examples.minimal;

import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;

/** The smallest gateway: everything below /orders goes to one of two endpoints. */
public final class Minimal {
    public static void main(String[] args) {
        gateway().start();
    }

    static Gateway gateway() {
        Upstream orders = Upstream.builder("orders")
                .endpoints("http://localhost:8081", "http://localhost:8082")
                .build();
        return Gateway.builder()
                .listen(Listener.http(8080))
                .upstream(orders)
                .route(Route.builder("orders")
                        .match(Match.prefix("/orders"))
                        .to("orders")
                        .build())
                .build();
    }
}
