package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.spi.Environment;
import dev.postern.spi.GatewayRuntime;
import dev.postern.testing.ManualTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class GatewayConfigTest {
    private static final Filter FILTER = Filter.named("f", (request, chain) -> chain.proceed(request));
    private static final ExchangeObserver OBSERVER = new ExchangeObserver() {};
    private static final ErrorHandler HANDLER = (error, request) -> Response.of(500);

    private static GatewayBuilder whole() {
        return Gateway.builder()
                .name("edge")
                .listen(Listener.http(8080))
                .filter(FILTER)
                .upstream(Upstream.builder("orders").endpoints("http://a").build())
                .route(Route.builder("r").to("orders").build())
                .observe(OBSERVER)
                .errorHandler(HANDLER);
    }

    @Test
    void a_config_holds_what_the_builder_was_told_in_order() {
        GatewayConfig config = whole().listen(Listener.http(8081)).toConfig();

        assertThat(config.name()).isEqualTo("edge");
        assertThat(config.listeners()).containsExactly(Listener.http(8080), Listener.http(8081));
        assertThat(config.filters()).containsExactly(FILTER);
        assertThat(config.upstreams()).extracting(Upstream::name).containsExactly("orders");
        assertThat(config.routes()).extracting(Route::id).containsExactly("r");
        assertThat(config.observers()).containsExactly(OBSERVER);
        assertThat(config.errorHandler()).isSameAs(HANDLER);
        assertThat(config)
                .hasToString("GatewayConfig[[listener \"http-8080\", listener \"http-8081\"], [upstream \"orders\"],"
                        + " [route \"r\"]]");
    }

    @Test
    void without_a_word_it_is_called_postern_and_answers_with_problem_details() {
        GatewayConfig config = Gateway.builder().toConfig();

        assertThat(config.name()).isEqualTo("postern");
        assertThat(config.errorHandler()).isSameAs(ErrorHandler.problemDetails());
        assertThat(config.listeners()).isEmpty();
    }

    @Test
    void the_same_configuration_is_equal_and_survives_its_builder() {
        GatewayConfig config = whole().toConfig();

        assertThat(config).isEqualTo(whole().toConfig()).hasSameHashCodeAs(whole().toConfig());
        assertThat(config.toBuilder().toConfig()).isEqualTo(config);
        assertThat(config).isNotEqualTo(null).isNotEqualTo("config");
    }

    static final List<UnaryOperator<GatewayBuilder>> CHANGES = List.of(
            builder -> builder.name("other"),
            builder -> builder.listen(Listener.http(1)),
            builder -> builder.filter(FILTER),
            builder -> builder.upstream(Upstream.builder("u").build()),
            builder -> builder.route(Route.builder("s").to("orders").build()),
            builder -> builder.observe(OBSERVER),
            builder -> builder.errorHandler(ErrorHandler.problemDetails()),
            GatewayBuilder::withoutListeners,
            GatewayBuilder::withoutFilters,
            GatewayBuilder::withoutUpstreams,
            GatewayBuilder::withoutRoutes);

    @ParameterizedTest
    @FieldSource("CHANGES")
    void every_change_makes_another_configuration(UnaryOperator<GatewayBuilder> change) {
        GatewayConfig config = whole().toConfig();

        assertThat(change.apply(config.toBuilder()).toConfig()).isNotEqualTo(config);
        assertThat(config).isEqualTo(whole().toConfig());
    }

    @Test
    void what_was_dropped_can_be_declared_anew() {
        GatewayConfig config = whole().toConfig().toBuilder()
                .withoutRoutes()
                .route(Route.builder("t").to("orders").build())
                .toConfig();

        assertThat(config.routes()).extracting(Route::id).containsExactly("t");
        assertThat(config.upstreams()).hasSize(1);
    }

    @Test
    void without_a_runtime_on_the_path_it_says_which_artifact_to_add() {
        assertThatIllegalStateException()
                .isThrownBy(() -> whole().build())
                .withMessage("no gateway runtime found (add the dependency dev.postern:gateway-runtime)");
    }

    @Test
    void the_runtime_gets_the_configuration_and_what_replaces_its_own_clock_and_chance() {
        ManualTime time = ManualTime.create();
        Random random = new Random(1);
        List<Object> seen = new ArrayList<>();
        GatewayRuntime runtime = (config, environment) -> {
            seen.add(config);
            seen.add(environment);
            throw new InvalidConfigException(List.of(Problem.error("route \"r\"", "is not what this test needs")));
        };

        assertThat(problemsOf(() -> whole().runtime(runtime).build())).hasSize(1);
        assertThat(problemsOf(
                        () -> whole().runtime(runtime).time(time).random(random).build()))
                .hasSize(1);
        assertThat(seen)
                .containsExactly(
                        whole().toConfig(),
                        new Environment(null, null),
                        whole().toConfig(),
                        new Environment(time, random));
    }

    private static List<Problem> problemsOf(Runnable call) {
        try {
            call.run();
            return List.of();
        } catch (InvalidConfigException refused) {
            return refused.problems();
        }
    }

    static final List<ThrowingCallable> NULLS = List.of(
            () -> Gateway.builder().name(null),
            () -> Gateway.builder().listen(null),
            () -> Gateway.builder().filter(null),
            () -> Gateway.builder().upstream(null),
            () -> Gateway.builder().route(null),
            () -> Gateway.builder().observe(null),
            () -> Gateway.builder().errorHandler(null),
            () -> Gateway.builder().runtime(null),
            () -> Gateway.builder().time(null),
            () -> Gateway.builder().random(null));

    @ParameterizedTest
    @FieldSource("NULLS")
    void nothing_may_be_null(ThrowingCallable call) {
        assertThatNullPointerException().isThrownBy(call);
    }
}
