package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.StateSpec;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FakeServicesTest {
    private final FakeServices services = new FakeServices();

    @Test
    void state_is_made_once_and_anew_when_its_options_change() {
        AtomicInteger made = new AtomicInteger();
        StateSpec spec = new StateSpec("limit", "a", 1);

        assertThat(services.state(spec, made::incrementAndGet)).isEqualTo(1);
        assertThat(services.state(new StateSpec("limit", "a", 1), made::incrementAndGet))
                .isEqualTo(1);
        assertThat(services.state(new StateSpec("limit", "b", 1), made::incrementAndGet))
                .isEqualTo(2);
        assertThat(services.state(new StateSpec("limit", "a", 2), made::incrementAndGet))
                .isEqualTo(3);
        assertThat(services.askedState()).hasSize(4).contains(spec);
    }

    @Test
    void nobody_answers_unless_told_to() {
        CompletionStage<Response> nobody = services.send(Endpoint.of("http://a"), Request.get("/"), CallLimits.DEFAULT);
        services.answering((endpoint, request) ->
                CompletableFuture.completedFuture(Response.text(200, endpoint + request.path())));
        CompletionStage<Response> answered =
                services.send(Endpoint.of("http://a"), Request.get("/keys"), CallLimits.DEFAULT);

        assertThat(Settled.of(nobody, 0).failure())
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        failed -> assertThat(failed.failure()).isEqualTo(Failure.CONNECT_FAILED))
                .hasMessage("nobody answers at http://a in this test");
        assertThat(answered).isCompletedWithValueMatching(response -> response.status() == 200);
        assertThat(services.sent()).hasToString("[GET /, GET /keys]");
    }

    @Test
    void time_is_moved_by_hand_and_chance_repeats_itself() {
        ManualTime time = ManualTime.create();

        assertThat(new FakeServices(time).time()).isSameAs(time);
        assertThat(services.manualTime()).isSameAs(services.time());
        assertThat(services.random().nextLong())
                .isEqualTo(new FakeServices().random().nextLong());
        assertThat(services.offload(() -> "done")).isCompletedWithValue("done");
    }
}
