package dev.postern;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.core.domain.JavaModifier.FINAL;
import static com.tngtech.archunit.core.domain.JavaModifier.PUBLIC;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The rules of the API that a reviewer would otherwise have to remember. */
@AnalyzeClasses(packages = "dev.postern", importOptions = ImportOption.DoNotIncludeTests.class)
class ApiArchitectureTest {
    @ArchTest
    static final ArchRule needs_nothing_but_the_jdk = classes()
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("dev.postern..", "java..", "javax.crypto..", "org.jspecify.annotations..")
            .because("hosts on any framework and any Vert.x embed the gateway: what the API needs, they all get");

    @ArchTest
    static final ArchRule needs_only_the_base_module = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "java.sql..", "java.net.http..", "java.util.logging..", "java.lang.management..", "java.beans..")
            .because("module-info requires java.base alone, so that small run-time images can hold the API");

    @ArchTest
    static final ArchRule knows_no_engine = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.vertx..", "io.netty..", "com.fasterxml..", "io.micrometer..", "com.github..")
            .because("no Vert.x type appears in the API (DESIGN 2): filters outlive the engine they run on");

    @ArchTest
    static final ArchRule packages_point_one_way = noClasses()
            .that()
            .resideInAPackage("dev.postern")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.postern.testing")
            .because("stand-ins for tests are built on the API, never the other way round");

    @ArchTest
    static final ArchRule testing_needs_no_engine = noClasses()
            .that()
            .resideInAPackage("dev.postern.testing")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.postern.spi", "org.junit..", "org.assertj..")
            .because("filters are tested without a gateway and with any test framework");

    @ArchTest
    static final ArchRule fields_are_private_or_constants = fields().that(new DescribedPredicate<>("are public") {
                @Override
                public boolean test(JavaField field) {
                    return field.getModifiers().contains(PUBLIC)
                            && !field.getOwner().isEnum();
                }
            })
            .should()
            .beStatic()
            .andShould()
            .beFinal()
            .because("a value that can be changed behind its methods is no value");

    @ArchTest
    static final ArchRule public_classes_are_final = classes()
            .that()
            .arePublic()
            .and()
            .areNotInterfaces()
            .and()
            .areNotEnums()
            .should()
            .haveModifier(FINAL)
            .because("a subclass could change what an immutable value says, and we could never change ours");

    @ArchTest
    static final ArchRule main_nouns_are_no_records = classes()
            .that()
            .haveNameMatching(
                    "dev\\.postern\\.(Request|Response|Headers|Route|Match|Upstream|Endpoint|Listener|Limits|Tls"
                            + "|UpstreamTls|Split|Redirect|Rewrite|GatewayConfig|ClientInfo|RetryPolicy|BufferedBody)")
            .should()
            .notBeAssignableTo(Record.class)
            .because(
                    "a record's constructor is public for ever, and each new component breaks who calls it (DESIGN 4)");

    @ArchTest
    static final ArchRule builder_methods_give_the_builder = methods()
            .that()
            .areDeclaredInClassesThat(simpleName("Builder").or(simpleName("GatewayBuilder")))
            .and()
            .arePublic()
            .and()
            .doNotHaveName("build")
            .and()
            .doNotHaveName("toConfig")
            .and()
            .doNotHaveName("get")
            .should(returnTheirOwner())
            .because("settings are written one behind the other");

    @ArchTest
    static final ArchRule copies_give_their_own_type = methods()
            .that()
            .arePublic()
            .and()
            .areNotStatic()
            .and()
            .haveNameMatching("(with|without)[A-Z].*")
            .should(returnTheirOwner())
            .because("with… and without… are copies of the same kind (STYLE, names)");

    @ArchTest
    static final ArchRule names_without_get_and_set = noMethods()
            .that()
            .arePublic()
            .should()
            .haveNameMatching("(get|set|is)[A-Z].*(?<!Empty|Header|Query)")
            .because("accessors are nouns: route.timeout()");

    @ArchTest
    static final ArchRule no_flags = noMethods()
            .that()
            .arePublic()
            .and()
            .doNotHaveName("equals")
            .should()
            .haveRawParameterTypes(new DescribedPredicate<>("a boolean") {
                @Override
                public boolean test(List<JavaClass> types) {
                    return types.stream().anyMatch(type -> type.isEquivalentTo(boolean.class));
                }
            })
            .because("apply(true) says nothing: two names do (DESIGN 4)");

    @ArchTest
    static final ArchRule two_overloads_are_enough =
            classes().that().arePublic().should(haveFewOverloads());

    @ArchTest
    static final ArchRule durations_are_durations = noMethods()
            .that()
            .arePublic()
            .should()
            .haveNameMatching(".*(Millis|Seconds|Minutes)")
            .because("a number without its unit in the type is a bug to come (DESIGN 4)");

    @ArchTest
    static final ArchRule clocks_are_lent = noClasses()
            .should()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(Instant.class, "now")
            .because("TimeSource is the only clock: policy code must run in a simulator");

    @ArchTest
    static final ArchRule nobody_prints_or_sleeps = noClasses()
            .should()
            .callMethod(Thread.class, "sleep", long.class)
            .orShould()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err")
            .because("this code runs on event loops, inside other people's programs");

    private static ArchCondition<JavaMethod> returnTheirOwner() {
        return new ArchCondition<>("return the type that declares them") {
            @Override
            public void check(JavaMethod method, ConditionEvents events) {
                boolean same = method.getRawReturnType().equals(method.getOwner());
                events.add(new SimpleConditionEvent(
                        method,
                        same,
                        method.getFullName() + " returns "
                                + method.getRawReturnType().getName()));
            }
        };
    }

    private static ArchCondition<JavaClass> haveFewOverloads() {
        return new ArchCondition<>("have at most two methods of a name") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                Map<String, Set<String>> overloads = type.getMethods().stream()
                        .filter(method -> method.getModifiers().contains(PUBLIC))
                        .filter(method -> !method.getModifiers().contains(JavaModifier.BRIDGE))
                        .collect(Collectors.groupingBy(
                                JavaMethod::getName, Collectors.mapping(JavaMethod::getFullName, Collectors.toSet())));
                overloads.forEach((name, all) -> events.add(new SimpleConditionEvent(
                        type,
                        all.size() <= 2 || ON_PURPOSE.contains(type.getSimpleName() + '.' + name),
                        all.toString())));
            }
        };
    }

    /** More than two of a name, and why: the exchange of a test ends with a status, a failure or a whole outcome. */
    private static final Set<String> ON_PURPOSE = Set.of("FakeExchange.end");
}
