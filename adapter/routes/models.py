"""`/v1/models` and `/v1/models/{model}`."""

from adapter.exchange import Exchange
from adapter.render.model import model_json, model_list_json
from adapter.routes.operation import Operation
from adapter.service import Service
from backends.protocol.errors import PermissionDeniedError
from backends.protocol.wire import ListModelsResponse, Model


async def list_models(service: Service, exchange: Exchange) -> None:
    """The models that the key may use."""
    await exchange.answer(model_list_json(await service.catalog.list(exchange.key)))


async def retrieve_model(service: Service, exchange: Exchange) -> None:
    """One model, as the list has it."""
    model = await service.listed(exchange, exchange.target)
    await exchange.answer(model_json(model))


async def delete_model(service: Service, exchange: Exchange) -> None:
    """Refused: the models are the backend's, not the client's.

    Raises:
        ModelNotFound: there is no such model.
        PermissionDeniedError: there is one, and it stays.
    """
    model = await service.listed(exchange, exchange.target)
    raise PermissionDeniedError(
        f"The model '{model.id}' cannot be deleted through this server.",
        param="model",
        code="model_not_deletable",
    )


ONE = "/v1/models/{model}"
OPERATIONS = (
    Operation("GET", "/v1/models", list_models, "models", "List models", gives=ListModelsResponse),
    Operation(
        "GET", ONE, retrieve_model, "models", "Retrieve a model", gives=Model, example="gpt-4o"
    ),
    Operation(
        "DELETE", ONE, delete_model, "models", "Delete a model (always refused)", example="gpt-4o"
    ),
)
