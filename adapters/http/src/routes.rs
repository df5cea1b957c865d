//! Every route there is.
use actix_web::web::{Data, ServiceConfig, get, post, put, resource};
use edge_ledger_core::JournalReader;

use crate::{
    backup,
    body::BodyLimit,
    edges,
    gateway::Gateway,
    operators::{self, results, tokens},
    probes, tasks,
};

/// Adds every route to an application. What the routes do not answer as JSON themselves (no such
/// route, wrong method) is for the middleware around them.
pub(crate) fn configure<R: JournalReader>(app: &mut ServiceConfig, gateway: Data<Gateway<R>>) {
    use operators::{edges as v1_edges, tasks as v1_tasks};
    let bulk = || BodyLimit(gateway.limits.bulk);
    app
        // Edges.
        .service(resource("/internal/edges/register").route(post().to(edges::register::<R>)))
        .service(
            resource("/internal/edges/connectivity").route(post().to(edges::connectivity::<R>)),
        )
        .service(resource("/internal/edges/tasks/next").route(post().to(edges::next::<R>)))
        .service(
            resource("/internal/edges/tasks/{id}/heartbeat")
                .route(post().to(tasks::heartbeat::<R>)),
        )
        .service(
            resource("/internal/edges/tasks/{id}/results")
                .app_data(bulk())
                .route(post().to(tasks::results::<R>)),
        )
        .service(
            resource("/internal/edges/tasks/{id}/complete").route(post().to(tasks::complete::<R>)),
        )
        .service(resource("/internal/edges/tasks/{id}/fail").route(post().to(tasks::fail::<R>)))
        // Operators: enrollment tokens.
        .service(
            resource("/v1/tokens")
                .route(get().to(tokens::list::<R>))
                .route(post().to(tokens::create::<R>)),
        )
        .service(resource("/v1/tokens/{id}").route(get().to(tokens::show::<R>)))
        .service(resource("/v1/tokens/{id}/revoke").route(post().to(tokens::revoke::<R>)))
        // Operators: edges.
        .service(resource("/v1/edges").route(get().to(v1_edges::list::<R>)))
        .service(resource("/v1/edges/{id}").route(get().to(v1_edges::show::<R>)))
        .service(resource("/v1/edges/{id}/disable").route(post().to(v1_edges::disable::<R>)))
        .service(resource("/v1/edges/{id}/enable").route(post().to(v1_edges::enable::<R>)))
        .service(resource("/v1/edges/{id}/release").route(post().to(v1_edges::release::<R>)))
        .service(resource("/v1/edges/{id}/rotate").route(post().to(v1_edges::rotate::<R>)))
        .service(resource("/v1/edges/{id}/revoke").route(post().to(v1_edges::revoke::<R>)))
        .service(resource("/v1/edges/{id}/labels").route(put().to(v1_edges::set_labels::<R>)))
        .service(resource("/v1/edges/{id}/capacity").route(put().to(v1_edges::set_capacity::<R>)))
        // Operators: tasks.
        .service(
            resource("/v1/tasks")
                .app_data(bulk())
                .route(get().to(v1_tasks::list::<R>))
                .route(post().to(v1_tasks::submit::<R>)),
        )
        .service(resource("/v1/tasks/{id}").route(get().to(v1_tasks::show::<R>)))
        .service(resource("/v1/tasks/{id}/why").route(get().to(v1_tasks::why::<R>)))
        .service(resource("/v1/tasks/{id}/results").route(get().to(results::list::<R>)))
        .service(resource("/v1/tasks/{id}/late-results").route(get().to(results::list_late::<R>)))
        .service(
            resource("/v1/tasks/{id}/late-results/adopt").route(post().to(v1_tasks::adopt::<R>)),
        )
        .service(resource("/v1/tasks/{id}/cancel").route(post().to(v1_tasks::cancel::<R>)))
        .service(resource("/v1/tasks/{id}/retry").route(post().to(v1_tasks::retry::<R>)))
        .service(resource("/v1/tasks/{id}/reassign").route(post().to(v1_tasks::reassign::<R>)))
        // Operators: the log.
        .service(resource("/v1/events").route(get().to(operators::events::<R>)))
        .service(resource("/v1/backup").route(get().to(backup::send::<R>)))
        .service(resource("/v1/ledger").route(get().to(operators::ledger::<R>)))
        // Whoever runs the gateway.
        .service(resource("/healthz").route(get().to(probes::healthz)))
        .service(resource("/readyz").route(get().to(probes::readyz::<R>)))
        .service(resource("/version").route(get().to(probes::version)))
        .app_data(gateway);
}
