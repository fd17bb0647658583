package dev.postern.security;

import dev.postern.Filter;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeServices;
import dev.postern.testing.FilterContract;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What every filter owes the gateway. */
class SecurityFilterContractTest {
    private static final String LONG = Keys.payload("exp", Keys.NOW + 400L * 86_400);
    private static final String KEY = "pk_0123456789abcdef0123456789abcdef";

    private static JwtAuth.Builder trusting() {
        return JwtAuth.builder().issuer(Keys.ISSUER).audience(Keys.AUDIENCE);
    }

    private static Request bearing(String method, String token) {
        return Request.of(method, "/orders?x=1").withHeader("Authorization", "Bearer " + token);
    }

    private static void check(Filter filter, FakeServices services, Request... requests) {
        FilterContract contract = FilterContract.of(filter).services(services);
        for (Request request : requests) {
            contract.request(request);
        }
        contract.verify();
    }

    @Test
    void tokens_checked_on_the_loop() {
        String token = Keys.rs256("rsa", LONG);
        check(
                trusting().key(JwtKey.of(Keys.RSA.getPublic()).withId("rsa")).build(),
                new FakeServices(),
                bearing("GET", token),
                bearing("POST", token));
    }

    @Test
    void tokens_checked_by_the_workers_and_removed() {
        String token = Keys.sign("ES256", Keys.P256, Keys.header("ES256", "p"), LONG);
        check(
                trusting()
                        .key(JwtKey.of(Keys.P256.getPublic()).withId("p"))
                        .removeToken()
                        .build(),
                new FakeServices(),
                bearing("GET", token),
                bearing("GET", Keys.sign("ES256", Keys.P256, Keys.header("ES256", "p"), Keys.payload())));
    }

    @Test
    void keys_fetched() {
        Response set = Response.json(200, Keys.set(Keys.jwk(Keys.RSA, "rsa")));
        check(
                trusting().jwks("https://issuer.example/jwks").build(),
                new FakeServices().answering((endpoint, request) -> CompletableFuture.completedFuture(set)),
                bearing("GET", Keys.rs256("rsa", LONG)),
                bearing("GET", Keys.rs256("unknown", LONG)));
    }

    @Test
    void api_keys_given_and_looked_up() {
        check(
                ApiKeyAuth.builder()
                        .key(KEY, ApiKey.of("team"))
                        .queryParameter("key")
                        .build(),
                new FakeServices(),
                Request.get("/").withHeader("X-API-Key", KEY),
                Request.get("/?a=b&key=" + KEY));
        check(
                ApiKeyAuth.builder()
                        .lookup(sha256 -> CompletableFuture.completedFuture(Optional.of(ApiKey.of("team"))))
                        .build(),
                new FakeServices(),
                Request.get("/").withHeader("X-API-Key", KEY));
    }
}
